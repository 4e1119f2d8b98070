"use strict";
// How it is doing: asked every second while the page can be seen.

const LEVELS = { debug: 10, info: 20, warning: 30, error: 40, critical: 50 };
const TONES = { debug: "", info: "", warning: "warn", error: "bad", critical: "bad" };
const KEPT = { requests: 100, log: 500 };
const next = { requests: "", log: "" };
let requests = [], records = [], folder = "", startedAt = null;

async function look() {
  try {
    let live = await ask(`/console/live?${new URLSearchParams(next)}`);
    if (startedAt !== null && live.started_s !== startedAt) {
      forget();
      live = await ask("/console/live");
    }
    startedAt = live.started_s;
    showState(live);
    showFailure(live);
    showWorkers(live);
    showExit(live);
    keepRequests(live.requests);
    keepLog(live.log);
  } catch (error) {
    const badge = $("state");
    badge.className = "badge bad";
    setText("state", error instanceof TypeError ? "the server is gone" : error.message);
  }
}

// The server has been started again: it counts from the beginning, and may serve something else.
function forget() {
  Object.assign(next, { requests: "", log: "" });
  requests = [];
  records = [];
  $("log").replaceChildren();
  showRequests();
  learn();
}

function keepRequests(told) {
  next.requests = String(told.next);
  if (!told.items.length) return;
  requests = [...requests, ...told.items].slice(-KEPT.requests);
  showRequests();
}

function keepLog(told) {
  next.log = String(told.next);
  if (!told.items.length) return;
  records = [...records, ...told.items].slice(-KEPT.log);
  const log = $("log");
  log.append(...told.items.filter(isWanted).map(lineOf));
  while (log.children.length > KEPT.log) log.firstChild.remove();
  if ($("log-follow").checked) log.scrollTop = log.scrollHeight;
}

function showState(live) {
  $("state").className = `badge ${live.trouble ? "bad" : "good"}`;
  setText("state", live.trouble || "ready");
  const summary = $("summary");
  if (live.python && !summary.querySelector("[data-python]")) {
    summary.append(element("li", { "data-python": "" }, "Python ", element("b", {}, live.python)));
  }
}

function showFailure(live) {
  const failure = live.last_failure;
  const wasHidden = $("failure").hidden;
  show("failure", failure !== null);
  if (failure === null) return;
  const title = live.trouble ? "The handler does not load" : "The handler does not load any more; what was loaded before serves on";
  setText("failure-title", title);
  if (wasHidden || $("failure-text").textContent !== failure.text) {
    setText("failure-text", failure.text);
    show("failure-trace", Boolean(failure.traceback));
    $("failure-trace").replaceChildren(...markedTraceback(failure.traceback));
  }
}

// The user's own lines stand out: a frame in the model's folder, and the source below it.
function markedTraceback(text) {
  const parts = [];
  let isOwn = false;
  for (const line of text.trimEnd().split("\n")) {
    const file = /^\s*File "(.*)", line \d+/.exec(line);
    if (file) isOwn = Boolean(folder) && file[1].startsWith(`${folder}/`);
    else if (!/^\s/.test(line)) isOwn = false;
    parts.push(isOwn ? element("mark", {}, line) : `${line}\n`);
  }
  return parts;
}

function showWorkers(live) {
  const tones = { idle: "good", busy: "busy", starting: "warn", retired: "warn" };
  $("workers").replaceChildren(...live.workers.map((worker) => element("tr", {},
    element("td", {}, String(worker.worker)),
    element("td", { class: tones[worker.state] ?? "" }, worker.state),
    element("td", {}, String(worker.pid ?? "")),
    element("td", { class: "number" }, String(worker.requests)),
    element("td", { class: "number" }, bytes(worker.resident_bytes)),
    element("td", { class: "number" }, duration(worker.age_s)))));
  const exits = Object.entries(live.exits).map(([cause, number]) => `${number} × ${cause}`);
  setText("workers-aside", [`${live.waiting} waiting`, ...(exits.length ? [`ended: ${exits.join(", ")}`] : [])].join(" · "));
}

function showExit(live) {
  const exit = live.last_exit;
  show("exit", exit !== null);
  if (exit === null) return;
  setText("exit-line", `Worker ${exit.worker} ${exit.reason}, ${new Date(exit.time).toLocaleTimeString()}`);
  setText("exit-output", exit.output.join("\n") || "It printed nothing.");
}

function showRequests() {
  const latest = [...requests].reverse();
  show("requests-empty", !latest.length);
  $("requests").replaceChildren(...latest.map((request) => element("tr", {},
    element("td", {}, clock(request.time_s)),
    element("td", { class: "path" }, `${request.method} ${request.path}`),
    element("td", { class: toneOfStatus(request.status) }, statusOf(request)),
    element("td", { class: "number" }, milliseconds(request.ms)),
    element("td", { class: "number wide-only" }, request.queue_ms === null ? "–" : milliseconds(request.queue_ms)),
    element("td", { class: "number wide-only" }, bytes(request.response_bytes)),
    element("td", { class: "number wide-only" }, request.worker ? String(request.worker) : "–"),
    element("td", { class: "wide-only origin", title: request.request_id }, request.request_id.slice(0, 8)))));
  const sorted = requests.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (part) => milliseconds(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]);
  setText("requests-aside", sorted.length ? `last ${sorted.length} · median ${at(0.5)} · p95 ${at(0.95)}` : "");
  showChart(sorted.at(-1) ?? 0);
}

function statusOf(request) {
  const remark = { cut: "cut short", left: "client left" }[request.outcome];
  return [request.status || "–", request.error, remark].filter(Boolean).join(" ");
}

function showChart(longest) {
  show("chart", requests.length > 1);
  const width = 300 / KEPT.requests;
  $("chart").replaceChildren(...requests.map((request, index) => {
    const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    // Logarithmic: one slow request must not flatten all others.
    const height = Math.max(1.5, (Math.log1p(request.ms) / Math.log1p(longest || 1)) * 40);
    const values = { x: index * width, y: 40 - height, width: width * 0.75, height, class: toneOfStatus(request.status) };
    for (const [name, value] of Object.entries(values)) bar.setAttribute(name, value);
    return bar;
  }));
}

function isWanted(record) {
  const wanted = $("log-filter").value.trim().toLowerCase();
  return (LEVELS[record.level] ?? 50) >= Number($("log-level").value)
    && (!wanted || `${record.text} ${record.request_id}`.toLowerCase().includes(wanted));
}

function lineOf(record) {
  const origin = [record.worker === null ? "" : `worker ${record.worker}`, record.request_id ? record.request_id.slice(0, 8) : ""];
  const text = element("span", { class: `text ${TONES[record.level] ?? ""}` }, record.text);
  const label = origin.filter(Boolean).join(" ");
  if (label) text.append(element("span", { class: "origin", title: record.request_id }, `  ${label}`));
  return element("li", {}, element("time", {}, clock(record.time_s)),
    element("span", { class: TONES[record.level] || "origin" }, record.level), text);
}

function showLog() {
  $("log").replaceChildren(...records.filter(isWanted).map(lineOf));
  if ($("log-follow").checked) $("log").scrollTop = $("log").scrollHeight;
}

function watch() {
  $("log-level").addEventListener("change", showLog);
  $("log-filter").addEventListener("input", showLog);
  $("log-follow").addEventListener("change", showLog);
  const again = async () => {
    if (document.visibilityState === "visible") await look();
    setTimeout(again, 1000);
  };
  again();
}
