"use strict";
// What is served: told once, when the page is opened.

let packages = null;

function showFacts(facts) {
  document.title = `${facts.handler} · abeja-runtime`;
  setText("handler", facts.handler);
  const folder = facts.folder.split("/").pop();
  const words = [["image", facts.image_version], ["ABI", facts.abi.name], ["folder", folder]];
  $("summary").replaceChildren(...words.map(([name, value]) => element("li", {}, `${name} `, element("b", {}, value))));
  const limits = facts.limits;
  const rows = [
    ["Folder", facts.folder],
    ["Image version", facts.released ? `${facts.image_version}, packages as of ${facts.released}` : facts.image_version],
    ["Handler ABI", facts.abi.name],
    ["Takes", `${facts.abi.media_types.join(", ")}${facts.abi.parses_multipart ? "; forms part by part" : ""}`],
    ["Encoders", facts.encoders.join(", ")],
    ["Python", facts.python],
    ["Workers", `${limits.workers}, ${limits.concurrency} ${limits.concurrency === 1 ? "request" : "requests"} at once each`],
    ["Limits", [limits.timeout_s === null ? "no timeout" : `${limits.timeout_s} s`, `queue of ${limits.queue}`, `bodies up to ${bytes(limits.max_body_bytes)}`].join(", ")],
    ["Served by", `abeja-runtime ${facts.version}${limits.is_reloading ? ", with --reload" : ""}`],
  ];
  $("served").replaceChildren(...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
  packages = facts.packages;
  showPackages();
  showVariables("variables-given", facts.variables.given);
  showVariables("variables-inherited", facts.variables.inherited);
  setText("variables-count", String(facts.variables.given.length + facts.variables.inherited.length));
}

function showPackages() {
  setText("packages-count", packages === null ? "cannot be read" : String(packages.length));
  const wanted = $("packages-filter").value.trim().toLowerCase();
  $("packages").replaceChildren(...(packages ?? []).filter(({ name }) => name.toLowerCase().includes(wanted)).map(
    ({ name, version }) => element("li", {}, name, element("span", {}, version))));
}

function showVariables(id, variables) {
  $(id).replaceChildren(...variables.map(({ name, value, is_hidden }) => element("tr", {},
    element("td", {}, name), is_hidden ? element("td", { class: "concealed" }, "set, not shown") : element("td", {}, value))));
}
