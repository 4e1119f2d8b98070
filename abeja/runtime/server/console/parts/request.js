"use strict";
// What the form says, as a request, and as a line for the shell.

const WITHOUT_BODY = ["GET", "HEAD", "OPTIONS", "TRACE"];

function quoted(text) {
  return /^[\w@%+=:,.\/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function kindOfBody() {
  return WITHOUT_BODY.includes($("method").value) ? "none" : new FormData($("form")).get("kind") ?? "none";
}

function headerLines() {
  const headers = [];
  for (const line of $("headers").value.split("\n")) {
    if (!line.trim()) continue;
    const colon = line.indexOf(":");
    if (colon < 1) throw new Error(`A header is written as "Name: value", not "${line.trim()}".`);
    headers.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  return headers;
}

function formFields() {
  return [...$("fields").children].map((item) => {
    const [name, value] = item.querySelectorAll("input");
    return { name: name.value, value: value.type === "file" ? value.files[0] ?? null : value.value };
  });
}

// The body as fetch takes it, and its Content-Type where that is not fetch's to say.
function bodyOfRequest() {
  const kind = kindOfBody();
  if (kind === "none") return { body: null, type: null };
  if (kind === "form") {
    const form = new FormData();
    for (const field of formFields()) {
      if (field.value === null) throw new Error(`Choose a file for the field "${field.name}".`);
      form.append(field.name, field.value);
    }
    return { body: form, type: null };
  }
  const type = $("type").value.trim() || null;
  if (kind === "file") {
    const file = $("file").files[0];
    if (!file) throw new Error("Choose a file.");
    return { body: new Blob([file]), type };
  }
  return { body: new Blob([$("text").value]), type };
}

function requestOfForm() {
  const { body, type } = bodyOfRequest();
  const headers = { "X-Abeja-Console": "1" };
  if (type !== null) headers["Content-Type"] = type;
  const asked = headerLines();
  if (asked.length) headers["X-Abeja-Console-Headers"] = encodeURIComponent(JSON.stringify(asked));
  const query = new URLSearchParams({ method: $("method").value, target: encodedTarget() });
  return { url: `/console/try?${query}`, options: { method: "POST", body, headers } };
}

// As an address bar does it: what no request target can hold is percent-encoded, what is encoded stays.
function encodedTarget() {
  return ($("target").value.trim() || "/").replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
}

function curlLine(port) {
  const method = $("method").value, kind = kindOfBody(), words = ["curl"];
  if (method === "HEAD") words.push("--head");
  else if (method !== (kind === "none" ? "GET" : "POST")) words.push("--request", method);
  if (kind !== "form" && kind !== "none") {
    // Without a type there is none; curl has one of its own unless it is told so.
    words.push("--header", quoted(`Content-Type: ${$("type").value.trim()}`.trim()));
  }
  for (const line of $("headers").value.split("\n")) if (line.trim()) words.push("--header", quoted(line.trim()));
  // A text that begins with @ is no name of a file.
  if (kind === "json" || kind === "text") words.push("--data-raw", quoted($("text").value));
  if (kind === "file") words.push("--data-binary", quoted(`@${$("file").files[0]?.name ?? "FILE"}`));
  if (kind === "form") {
    for (const { name, value } of formFields()) {
      if (typeof value === "string") words.push("--form-string", quoted(`${name}=${value}`));
      else words.push("--form", quoted(`${name}=@${value?.name ?? "FILE"}`));
    }
  }
  if (/[[\]{}]/.test(encodedTarget())) words.push("--globoff");
  words.push(quoted(`http://${location.hostname}:${port}${encodedTarget()}`));
  return words.join(" ");
}
