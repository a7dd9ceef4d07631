// Package web serves the OpenAPI document of the HTTP API, and Swagger UI as a page that shows it. Pages load nothing from other hosts.
package web
