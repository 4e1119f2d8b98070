"use strict";
// The form, and the beginning of everything.

let servicePort = 0, running = null, isTypeChosen = false;

function changed() {
  const kind = kindOfBody(), isWithout = WITHOUT_BODY.includes($("method").value);
  $("kinds").disabled = isWithout;
  for (const part of document.querySelectorAll("[data-kind]")) part.hidden = !part.dataset.kind.split(" ").includes(kind);
  setText("text-label", kind === "text" ? "Text" : "JSON");
  setText("text-hint", kind === "json" ? problemOfJson() : "");
  setText("curl", servicePort ? curlLine(servicePort) : "");
}

function problemOfJson() {
  try {
    JSON.parse($("text").value);
    return "";
  } catch (error) {
    return `This is no JSON, and is sent as it is: ${error.message}`;
  }
}

function suggestType() {
  if (isTypeChosen) return;
  const kind = kindOfBody();
  const types = { json: "application/json", text: "text/plain; charset=utf-8", file: $("file").files[0]?.type || "application/octet-stream" };
  if (kind in types) $("type").value = types[kind];
}

function preview() {
  const file = $("file").files[0], figure = $("preview");
  for (const image of figure.querySelectorAll("img")) URL.revokeObjectURL(image.src);
  const isPicture = Boolean(file) && /^image\//.test(file.type);
  figure.hidden = !isPicture;
  figure.replaceChildren(...(isPicture ? [element("img", { src: URL.createObjectURL(file), alt: `The picture ${file.name}` })] : []));
}

function addField(type) {
  const number = $("fields").children.length + 1;
  const value = element("input", type === "file" ? { type } : { type: "text", autocomplete: "off" });
  const remove = element("button", { type: "button", class: "quiet", "aria-label": `Remove field ${number}` }, "Remove");
  const item = element("li", {},
    element("label", {}, "Name ", element("input", { type: "text", value: `${type}${number}`, autocomplete: "off", spellcheck: false })),
    element("label", {}, type === "file" ? "File " : "Text ", value), remove);
  remove.addEventListener("click", () => { item.remove(); changed(); $(`add-${type}`).focus(); });
  $("fields").append(item);
  value.focus();
  changed();
}

function problem(text) {
  show("problem", Boolean(text));
  setText("problem", text);
}

async function send() {
  if (running) return;
  problem("");
  let request;
  try {
    request = requestOfForm();
  } catch (error) {
    problem(error.message);
    return;
  }
  running = new AbortController();
  $("send").disabled = true;
  show("cancel", true);
  try {
    const response = await fetch(request.url, { ...request.options, signal: running.signal });
    if (!response.ok) throw new Error((await response.json()).status);
    const answer = await readAnswer(response, showHead, (size) => $("send").title = `${bytes(size)} received`);
    if (answer.head === null) throw new Error(answer.end.trouble);
    showAnswer(answer);
    $("answer").scrollIntoView({ block: "nearest" });
  } catch (error) {
    problem(error.name === "AbortError" ? "Cancelled." : `The request could not be sent: ${error.message}`);
  } finally {
    running = null;
    $("send").disabled = false;
    show("cancel", false);
    if (document.activeElement === document.body) $("send").focus();
    look();
  }
}

async function copy() {
  try {
    await navigator.clipboard.writeText($("curl").textContent);
    setText("copy", "Copied");
  } catch {
    // Where the clipboard is not to be had, the line is selected instead.
    getSelection().selectAllChildren($("curl"));
    setText("copy", "Selected");
  }
  setTimeout(() => setText("copy", "Copy"), 1500);
}

function acceptDrops() {
  const drop = $("drop");
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    if (event.dataTransfer.files.length) {
      $("file").files = event.dataTransfer.files;
      $("file").dispatchEvent(new Event("change", { bubbles: true }));
    }
  });
}

function listen() {
  const form = $("form");
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); send(); }
  });
  form.addEventListener("change", (event) => {
    if (event.target.name === "kind") isTypeChosen = false;
    if (event.target.id === "file") { isTypeChosen = false; preview(); }
    suggestType();
    changed();
  });
  form.addEventListener("input", (event) => {
    if (event.target.id === "type") isTypeChosen = true;
    changed();
  });
  $("cancel").addEventListener("click", () => running?.abort());
  $("copy").addEventListener("click", copy);
  $("add-text").addEventListener("click", () => addField("text"));
  $("add-file").addEventListener("click", () => addField("file"));
  acceptDrops();
}

function offer(facts) {
  servicePort = facts.port;
  folder = facts.folder;
  const order = ["POST", "GET", "PUT", "PATCH", "DELETE", "HEAD"];
  const methods = [...facts.abi.methods].sort((a, b) => (order.indexOf(a) + 99) % 99 - (order.indexOf(b) + 99) % 99);
  const chosen = $("method").value;
  $("method").replaceChildren(...methods.map((method) => element("option", {}, method)));
  if (methods.includes(chosen)) $("method").value = chosen;
  show("kind-form", facts.abi.parses_multipart);
  const types = new Set([...facts.abi.media_types.filter((type) => !type.includes("*")), "application/json", "image/jpeg", "image/png", "text/plain", "text/csv", "application/octet-stream"]);
  $("types").replaceChildren(...[...types].map((type) => element("option", { value: type })));
}

async function begin() {
  listen();
  $("packages-filter").addEventListener("input", showPackages);
  watch();
  suggestType();
  await learn();
}

async function learn() {
  try {
    const facts = await ask("/console/facts");
    offer(facts);
    showFacts(facts);
  } catch (error) {
    problem(`What is served cannot be told: ${error.message}`);
  }
  changed();
}

begin();
