"use strict";
// Reads the frames of an answer, and shows it: whatever it holds, it is text, a picture, or a file to save.

const SHOWN_TEXT_BYTES = 512 * 1024;
const COLOURED_BYTES = 128 * 1024;
let answerUrls = [];

async function readAnswer(response, onHead, onProgress) {
  const reader = response.body.getReader();
  let rest = new Uint8Array(0), head = null, end = null, size = 0;
  const pieces = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const data = new Uint8Array(rest.length + value.length);
    data.set(rest);
    data.set(value, rest.length);
    const view = new DataView(data.buffer);
    let at = 0;
    while (data.length - at >= 5 && data.length - at - 5 >= view.getUint32(at + 1)) {
      const kind = String.fromCharCode(data[at]), payload = data.slice(at + 5, at + 5 + view.getUint32(at + 1));
      at += 5 + payload.length;
      if (kind === "d") { pieces.push(payload); size += payload.length; onProgress(size); continue; }
      const fields = JSON.parse(new TextDecoder().decode(payload));
      if (kind === "h") { head = fields; onHead(head); } else end = fields;
    }
    rest = data.slice(at);
  }
  return { head, pieces, size, end: end ?? { trouble: "the server closed the connection", ms: null } };
}

function headerOf(head, name) {
  return head.headers.find(([given]) => given.toLowerCase() === name)?.[1] ?? "";
}

function showAnswerLine(parts) {
  $("answer-line").replaceChildren(...parts.map(([text, tone, isStrong]) => element(isStrong ? "b" : "span", { class: tone }, text)));
}

function showHead(head) {
  show("answer", true);
  for (const url of answerUrls) URL.revokeObjectURL(url);
  answerUrls = [];
  $("answer-body").replaceChildren();
  showAnswerLine([[`${head.status} ${head.reason}`, toneOfStatus(head.status), true], ["receiving…", ""]]);
  setText("answer-count", String(head.headers.length));
  $("answer-headers").replaceChildren(...head.headers.map(
    ([name, value]) => element("tr", {}, element("td", {}, name), element("td", {}, value))));
}

function showAnswer({ head, pieces, size, end }) {
  const type = headerOf(head, "content-type"), media = type.split(";")[0].trim().toLowerCase();
  const line = [[`${head.status} ${head.reason}`, toneOfStatus(head.status), true],
    [milliseconds(end.ms ?? head.ms), ""], [bytes(size), ""], [type || "no Content-Type", ""]];
  if (end.trouble) line.push([`Not complete: ${end.trouble}.`, "bad"]);
  showAnswerLine(line);
  const body = $("answer-body"), blob = new Blob(pieces, { type: safeType(media) });
  if (!size) { body.replaceChildren(element("p", { class: "empty" }, "No body.")); return; }
  const url = URL.createObjectURL(blob);
  answerUrls.push(url);
  body.replaceChildren(...[viewOf(media, pieces, size, url), saveLink(media, size, pieces)].filter(Boolean));
}

// A blob's type decides what a browser makes of it: pictures, sounds and films keep theirs, nothing else does.
function safeType(media) {
  return /^(image|audio|video)\/[\w.+-]+$/.test(media) ? media : "application/octet-stream";
}

function viewOf(media, pieces, size, url) {
  if (media.startsWith("image/")) {
    const image = element("img", { src: url, alt: `The answer, a picture of type ${media}` });
    image.addEventListener("error", () => image.replaceWith(element("p", { class: "empty" }, "The browser cannot show this picture.")));
    return image;
  }
  if (media.startsWith("video/")) return element("video", { src: url, controls: true });
  if (media.startsWith("audio/")) return element("audio", { src: url, controls: true });
  const data = new Uint8Array(Math.min(size, SHOWN_TEXT_BYTES));
  let at = 0;
  for (const piece of pieces) {
    const part = piece.subarray(0, data.length - at);
    data.set(part, at);
    at += part.length;
  }
  const isCut = size > data.length;
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: !isCut }).decode(data);
  } catch {
    return element("p", { class: "empty" }, "These bytes are no text.");
  }
  if (text.includes("\0")) return element("p", { class: "empty" }, "These bytes are no text.");
  const view = element("pre", { tabIndex: 0, "aria-label": "Body of the answer" });
  view.append(...(isCut ? [text, `\n… (${bytes(size - data.length)} more: save it to see all)`] : linesOf(media, text)));
  return view;
}

function saveLink(media, size, pieces) {
  // As bytes, whatever they are: opened in a tab, they are saved and not run.
  const url = URL.createObjectURL(new Blob(pieces, { type: "application/octet-stream" }));
  answerUrls.push(url);
  const names = { "application/json": "json", "text/csv": "csv", "text/plain": "txt", "text/html": "html", "image/jpeg": "jpg", "image/svg+xml": "svg" };
  const ending = names[media] ?? (/^(image|video|audio)\/([a-z0-9]+)$/.exec(media)?.[2] || "bin");
  return element("p", { class: "actions" }, element("a", { href: url, download: `answer.${ending}` }, `Save (${bytes(size)})`));
}

function linesOf(media, text) {
  if (!/[/+]json$|^application\/(x-)?(ndjson|jsonl|jsonlines)$/.test(media)) return [text];
  let pretty;
  try {
    pretty = prettyJson(text);
  } catch {
    try {
      pretty = text.trimEnd().split("\n").map((line) => prettyJson(line)).join("\n");
    } catch {
      return [text];
    }
  }
  return pretty.length > COLOURED_BYTES ? [pretty] : coloured(pretty);
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

// Indented as it was written: numbers keep their digits, and names that are there twice stay.
function prettyJson(text) {
  JSON.parse(text);
  let depth = 0;
  const out = [];
  const indent = () => `\n${"  ".repeat(depth)}`;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s[\]{},:"]+/g)) {
    if (token === "{" || token === "[") { depth += 1; out.push(token, indent()); }
    else if (token === "}" || token === "]") {
      depth -= 1;
      if (/^\n\s*$/.test(out.at(-1)) && /^[[{]$/.test(out.at(-2))) out.pop();
      else out.push(indent());
      out.push(token);
    } else if (token === ",") out.push(",", indent());
    else out.push(token === ":" ? ": " : token);
  }
  return out.join("");
}

function coloured(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > at) parts.push(text.slice(at, match.index));
    const [whole, string, colon, number] = match;
    const kind = string ? (colon ? "json-name" : "json-text") : number ? "json-number" : "json-word";
    parts.push(element("span", { class: kind }, string ?? whole), colon ?? "");
    at = match.index + whole.length;
  }
  parts.push(text.slice(at));
  return parts;
}
