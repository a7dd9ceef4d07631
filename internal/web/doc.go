// Package web serves the read API of workspaces and tiers, the OpenAPI document of the HTTP API, and Swagger UI as a page that shows it.
// Pages load nothing from other hosts.
package web
