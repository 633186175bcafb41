// Shows the descriptions of the REST APIs by Scalar, which asks nobody but the gateway.

// The library that checks its configuration tries whether it may evaluate text, which the page forbids.
globalThis.__zod_globalConfig = { jitless: true };

const { script, sources } = JSON.parse(document.getElementById("configuration").textContent);

function show() {
  document.getElementById("reference").replaceChildren();
  globalThis.Scalar.createApiReference("#reference", {
    sources,
    servers: [{ url: location.origin, description: "This gateway" }],
    authentication: { preferredSecurityScheme: "AccessToken" },
    // Nothing of anybody else's: no fonts, proxy, statistics, assistant, or links to their program.
    withDefaultFonts: false,
    proxyUrl: "",
    telemetry: false,
    agent: { disabled: true },
    mcp: { disabled: true },
    hideClientButton: true,
    showDeveloperTools: "never",
    // What is not the page's own host is never asked, and this says so a second time.
    externalUrls: {
      dashboardUrl: location.origin,
      registryUrl: location.origin,
      proxyUrl: "",
      apiBaseUrl: location.origin,
    },
    // The token stays in the page: it is gone when the page is.
    persistAuth: false,
    documentDownloadType: "direct",
    defaultHttpClient: { targetKey: "shell", clientKey: "curl" },
    operationTitleSource: "summary",
    defaultOpenAllTags: false,
    hideModels: false,
    theme: "default",
  });
}

const element = document.createElement("script");
element.src = script;
element.addEventListener("load", show);
document.head.append(element);
