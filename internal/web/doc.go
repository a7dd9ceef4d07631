// Package web serves what people look at in a browser: the description of the HTTP API, as a document and as a page.
// Pages load nothing from other hosts.
package web
