"use strict";
// Elements and numbers. Text gets into the page by textContent alone.

const $ = (id) => document.getElementById(id);

function element(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "class") made.className = value;
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

function show(id, isShown) {
  // Pictures in the markup have the attribute, but no property of this name.
  $(id).toggleAttribute("hidden", !isShown);
}

function setText(id, text) {
  const target = $(id);
  if (target.textContent !== text) target.textContent = text;
}

function bytes(count) {
  if (count === null || count === undefined) return "";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let power = 0;
  while (count >= 1024 && power < units.length - 1) { count /= 1024; power += 1; }
  return `${power && count < 100 ? count.toFixed(1) : Math.round(count)} ${units[power]}`;
}

function milliseconds(ms) {
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 10000) return `${Math.round(ms)} ms`;
  return `${(ms / 1000).toFixed(1)} s`;
}

function duration(s) {
  if (s === null || s === undefined) return "";
  if (s < 60) return `${Math.floor(s)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

function clock(s) {
  const date = new Date(s * 1000);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

function toneOfStatus(status) {
  if (status >= 500 || status < 200) return "bad";
  if (status >= 400) return "warn";
  return status >= 300 ? "busy" : "good";
}

async function ask(path) {
  const response = await fetch(path, { headers: { "X-Abeja-Console": "1" } });
  const fields = await response.json();
  if (!response.ok) throw new Error(fields.status);
  return fields;
}
