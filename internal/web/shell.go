package web

import "platform.company.com/workspace-flyte-integration/api/v1alpha1"

// htmxConfig keeps htmx within the policy of the page: no style, no eval, no other host. It keeps no copies of pages: going back loads
// the whole page.
const htmxConfig = `{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,` +
	`"historyCacheSize":0,"refreshOnHistoryMiss":true,"scrollIntoViewOnBoost":false,"timeout":15000,` +
	`"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"[45]..","swap":true,"error":true}]}`

func needsAction(reason string) bool { return v1alpha1.RequiresAction(reason) }
