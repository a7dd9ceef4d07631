"use strict";
SwaggerUIBundle({
  dom_id: "#docs",
  url: "openapi.yaml",
  deepLinking: true,
  displayRequestDuration: true,
  supportedSubmitMethods: ["get"], // the others need a signature, which no page should be able to make
  validatorUrl: null, // it would send the document to another host
});
