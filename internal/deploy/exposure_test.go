package deploy_test

const rule = "HTTPRoute … .spec.rules[0]"

var httpRouteSuite = map[string]expectation{
	"off": {nil, expect{"HTTPRoute …": absent}, ""},
	"the signed routes alone": {
		set{
			"exposure.httpRoute.enabled": true, "exposure.httpRoute.parentRefs": []any{map[string]any{"name": "g"}},
			"exposure.httpRoute.hostnames": []any{"a.b"},
		},
		expect{
			rule + ".matches[*].path.value": "/webhooks/workspace /provision", rule + ".matches[*].method": "POST POST",
			rule + ".matches[*].path.type": "Exact Exact", rule + ".backendRefs[0].name": fullName, rule + ".backendRefs[0].port": "80",
			"HTTPRoute … .spec.hostnames[*]": "a.b", "HTTPRoute … .spec.parentRefs[*].name": "g",
		},
		"",
	},
	"everything": {
		set{"exposure.httpRoute.enabled": true, "exposure.api": true},
		expect{rule + ".matches": `[{"path":{"type":"PathPrefix","value":"/"}}]`},
		"",
	},
}

const (
	ingress      = "Ingress … .spec"
	ingressPaths = ingress + ".rules[0].http.paths[*]"
)

var ingressSuite = map[string]expectation{
	"off": {nil, expect{"Ingress …": absent}, ""},
	"the signed routes alone": {set{"exposure.ingress.enabled": true, "exposure.ingress.host": "a.b"}, expect{
		ingressPaths + ".path": "/webhooks/workspace /provision", ingressPaths + ".pathType": "Exact Exact",
		ingressPaths + ".backend.service.name": fullName + " " + fullName, ingress + ".rules[0].host": "a.b",
		ingress + ".tls": "", ingress + ".ingressClassName": "",
	}, ""},
	"everything": {
		set{"exposure.ingress.enabled": true, "exposure.ingress.host": "a.b", "exposure.api": true},
		expect{ingressPaths + ".path": "/", ingressPaths + ".pathType": "Prefix"},
		"",
	},
	"TLS": {
		set{
			"exposure.ingress.enabled": true, "exposure.ingress.host": "a.b", "exposure.ingress.tlsSecretName": "cert",
			"exposure.ingress.className": "nginx",
		},
		expect{ingress + ".tls": `[{"hosts":["a.b"],"secretName":"cert"}]`, ingress + ".ingressClassName": "nginx"},
		"",
	},
	"without a host": {set{"exposure.ingress.enabled": true}, nil, "exposure.ingress.host is required"},
}

const ingressRoute = "IngressRoute … .spec"

var ingressRouteSuite = map[string]expectation{
	"off": {nil, expect{"IngressRoute …": absent}, ""},
	"the signed routes alone": {set{"exposure.ingressRoute.enabled": true, "exposure.ingressRoute.host": "a.b"}, expect{
		ingressRoute + ".routes[*].match": "Host(`a.b`) && Method(`POST`) && (Path(`/webhooks/workspace`) || Path(`/provision`))",
		ingressRoute + ".entryPoints[*]":  "websecure", ingressRoute + ".routes[0].services[0].name": fullName, ingressRoute + ".tls": "",
	}, ""},
	"everything": {
		set{
			"exposure.ingressRoute.enabled": true, "exposure.ingressRoute.host": "a.b", "exposure.api": true,
			"exposure.ingressRoute.tlsSecretName": "cert",
		},
		expect{ingressRoute + ".routes[*].match": "Host(`a.b`)", ingressRoute + ".tls.secretName": "cert"},
		"",
	},
	"a resolver": {
		set{
			"exposure.ingressRoute.enabled": true, "exposure.ingressRoute.host": "a.b",
			"exposure.ingressRoute.tlsSecretName": "cert", "exposure.ingressRoute.certResolver": "letsencrypt",
		},
		expect{ingressRoute + ".tls": `{"certResolver":"letsencrypt"}`},
		"",
	},
	"without a host": {set{"exposure.ingressRoute.enabled": true}, nil, "exposure.ingressRoute.host is required"},
}
