// What a page gains when scripts run. Every page works without them: links and forms come first.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (node) => node.closest("input:not([type=checkbox]):not([type=radio]),select,textarea,[contenteditable]");
  const say = (text) => { const place = $("#news"); if (place) place.textContent = text; };

  // --- keys: [data-key] anywhere, [data-row-key] inside the row one stands on, j and k between rows ---
  const rows = () => all("[data-row]").filter((row) => row.offsetParent !== null);
  const here = () => $("[data-row].here");
  const stand = (row) => {
    if (!row) return;
    here()?.classList.remove("here");
    row.classList.add("here");
    ($("[data-open]", row) || row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const move = (by) => {
    const list = rows(), at = list.indexOf(here());
    stand(list[Math.min(list.length - 1, Math.max(0, at < 0 ? 0 : at + by))]);
  };
  const press = (node) => {
    if (node.matches("dialog")) node.showModal();
    else if (node.matches("details")) { node.open = true; $("input,select,textarea,button,a", node.querySelector(":scope > :not(summary)") || node)?.focus(); }
    else if (typing(node)) { node.focus(); node.select?.(); }
    else { node.focus(); node.click(); }
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      all("details.menu[open],details.more[open]").forEach((menu) => { menu.open = false; $("summary", menu)?.focus(); });
      if (typing(event.target)) event.target.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || $("dialog[open]")) return;
    const key = event.key;
    if (key === "j" || key === "k") { event.preventDefault(); move(key === "j" ? 1 : -1); return; }
    if (key === "/") { const box = $("[data-search]"); if (box) { event.preventDefault(); press(box); } return; }
    if (key === "?") { const help = $("#keys"); if (help) { event.preventDefault(); help.showModal(); } return; }
    if (key === "Enter" && event.target.closest("a,button,summary")) return;
    if (key === "Enter" && here()) { event.preventDefault(); $("[data-open]", here())?.click(); return; }
    const wanted = key.length === 1 ? CSS.escape(key) : key;
    // A key of the list, for the line one stands on: [data-row-do] adds to the line's address, or ticks the line alone and presses.
    const verb = here() && $(`[data-row-do="${wanted}"]`);
    if (verb) {
      event.preventDefault();
      if (verb.dataset.add) { location.href = $("[data-open]", here()).href + verb.dataset.add; return; }
      all("[data-row] input[type=checkbox]").forEach((box) => { box.checked = here().contains(box); });
      press(verb);
      return;
    }
    const node = (here() && $(`[data-row-key="${wanted}"]`, here())) || $(`[data-key="${wanted}"]`);
    if (node && !node.disabled) { event.preventDefault(); press(node); }
  });
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-row]");
    if (row && row !== here()) { here()?.classList.remove("here"); row.classList.add("here"); }
  });
  document.addEventListener("click", (event) => {
    all("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
    const opener = event.target.closest("[data-dialog]");
    if (opener) { const dialog = document.getElementById(opener.dataset.dialog); if (dialog) { event.preventDefault(); dialog.showModal(); } }
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  });

  // --- a form is sent once; one that is left with changes asks first ---
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-once]") || event.submitter?.formTarget) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    const button = event.submitter;
    setTimeout(() => { if (button) button.setAttribute("aria-busy", "true"); });
    setTimeout(() => { delete form.dataset.sent; button?.removeAttribute("aria-busy"); }, 8000);
  });
  window.addEventListener("pageshow", () => all("form[data-sent]").forEach((form) => { delete form.dataset.sent; all("[aria-busy]", form).forEach((b) => b.removeAttribute("aria-busy")); }));
  all("form[data-guard]").forEach((form) => {
    let dirty = false;
    form.addEventListener("input", () => { dirty = true; });
    form.addEventListener("submit", (event) => { if (!event.submitter?.formTarget) dirty = false; });
    window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  });
  all("select[data-send],input[data-send]").forEach((field) => field.addEventListener("change", () => field.form.requestSubmit()));

  // --- clocks go on while the page is open ---
  const pad = (n) => String(n).padStart(2, "0");
  const tell = (until) => {
    const minutes = Math.floor(Math.abs(until - Date.now()) / 60000), sign = until < Date.now() ? "-" : "";
    return minutes >= 2880 ? `${sign}${Math.floor(minutes / 1440)}d ${pad(Math.floor(minutes % 1440 / 60))}:${pad(minutes % 60)}` : `${sign}${Math.floor(minutes / 60)}:${pad(minutes % 60)}`;
  };
  setInterval(() => all("[data-clock]").forEach((node) => { node.textContent = tell(Date.parse(node.dataset.clock)); }), 15000);

  // --- a hold: what goes out in some seconds counts down, and can be called back until then ---
  const count = () => all("[data-hold]").forEach((node) => {
    const left = Math.max(0, Math.ceil((Date.parse(node.dataset.hold) - Date.now()) / 1000));
    const place = $("[data-hold-left]", node);
    if (place) place.textContent = left;
    if (left === 0 && !node.dataset.over) { node.dataset.over = "yes"; all("button", node).forEach((b) => { b.disabled = true; }); document.body.dispatchEvent(new CustomEvent("held")); }
  });
  if ($("[data-hold]")) { count(); setInterval(count, 500); }

  // --- live: a stream says that something changed; the page announces it and waits, or asks quietly for the pieces that may move ---
  if (document.body.hasAttribute("data-live") && window.EventSource) {
    const stream = new EventSource("/live");
    stream.addEventListener("changed", () => document.body.dispatchEvent(new CustomEvent("changed")));
    stream.addEventListener("over", () => { stream.close(); all("[data-live-state]").forEach((node) => { node.hidden = false; }); });
    window.addEventListener("pagehide", () => stream.close());
  }
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const told = event.detail.target?.querySelector?.("[data-news]") || (event.detail.target?.matches?.("[data-news]") && event.detail.target);
    if (told && told.textContent.trim()) say(told.textContent.trim());
  });

  // --- what was refused is shown first ---
  const wrong = $("[data-focus]");
  if (wrong) wrong.focus();

  // --- presence: a page that names a beat tells that it is open ---
  const beat = $("[data-beat]");
  if (beat) {
    const send = () => { if (!document.hidden) fetch(beat.dataset.beat, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams({ csrf: beat.dataset.csrf }), credentials: "same-origin" }).catch(() => {}); };
    send();
    setInterval(send, 20000);
  }

  // --- a draft is shown as one types: frames and places beside a form[data-draft] are asked for what it says now ---
  all("form[data-draft]").forEach((form) => {
    let timer;
    const show = () => {
      const fields = new URLSearchParams([...new FormData(form)].filter(([name, value]) => typeof value === "string" && value && !["csrf", "once"].includes(name)));
      all("iframe[data-draft-frame]").forEach((frame) => frame.contentWindow.location.replace(`${frame.dataset.draftFrame}?${fields}`));
      all("[data-draft-place]").forEach((place) => window.htmx?.ajax("GET", `${place.dataset.draftPlace}?${fields}`, { target: place, swap: "innerHTML" }));
    };
    form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(show, 350); });
    document.addEventListener("click", (event) => {
      const button = event.target.closest("[data-set]");
      const field = button && document.getElementById(button.dataset.set);
      if (!field) return;
      event.preventDefault();
      field.value = button.dataset.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
  });
  all("input[data-pair]").forEach((picker) => {
    const field = document.getElementById(picker.dataset.pair), known = /^#[0-9a-f]{6}$/i;
    if (!field) return;
    picker.hidden = false;
    const follow = () => { if (known.test(field.value)) picker.value = field.value; };
    follow();
    field.addEventListener("input", follow);
    picker.addEventListener("input", () => { field.value = picker.value.toUpperCase(); });
  });

  // --- copying ---
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button || !navigator.clipboard) return;
    navigator.clipboard.writeText(document.getElementById(button.dataset.copy)?.textContent ?? "").then(() => say("Copied"));
  });

  // --- texts with line numbers; a finding's link leads to its place in the text ---
  all("textarea[data-lines]").forEach((text) => {
    const gutter = document.createElement("pre"), box = text.parentNode;
    gutter.className = "gutter";
    gutter.setAttribute("aria-hidden", "true");
    box.prepend(gutter);
    box.classList.add("has-lines");
    const count = () => { const n = text.value.split("\n").length; if (gutter.childElementCount === n) return; gutter.textContent = Array.from({ length: n }, (_, i) => i + 1).join("\n"); };
    text.addEventListener("input", count);
    text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
    count();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]"), text = link && document.getElementById(link.dataset.in);
    if (!text) return;
    event.preventDefault();
    const lines = text.value.split("\n"), line = Math.max(1, Number(link.dataset.line)), before = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const from = before + Math.max(0, Number(link.dataset.column || 1) - 1), to = before + (lines[line - 1] || "").length;
    text.focus();
    text.setSelectionRange(Math.min(from, to), to);
    text.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(text).lineHeight));
  });

  // --- a preview follows what is written: the button that shows it is pressed a moment after the last key ---
  all("form[data-follow]").forEach((form) => {
    let later;
    const show = () => all("button[formtarget]", form).forEach((button) => form.requestSubmit(button));
    form.addEventListener("input", () => { clearTimeout(later); later = setTimeout(show, 900); });
    if (form.dataset.follow === "now") show();
  });
})();
