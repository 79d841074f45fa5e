// Keys of the chart, and citing by selection. Everything here can also be done with Tab, Enter and the forms.
(() => {
  "use strict";
  const codes = () => [...document.querySelectorAll(".code")];
  const typing = (it) => it.closest("input, textarea, select, [contenteditable]") && it.type !== "radio";
  const current = () => document.activeElement.closest(".code");
  const step = (by) => {
    const all = codes();
    if (!all.length) return;
    const at = all.indexOf(current());
    const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by))];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const press = (selector, root) => (root || document).querySelector(selector)?.click();
  const open = (selector, root) => {
    const box = (root || document).querySelector(selector);
    if (!box) return;
    if (box.tagName === "DETAILS") box.open = true;
    box.closest("details")?.setAttribute("open", "");
    (box.matches("input, textarea, select") ? box : box.querySelector("input:not([type=hidden]), textarea, select"))?.focus();
  };
  const cite = () => {
    const chosen = window.getSelection();
    const note = chosen && chosen.anchorNode && chosen.anchorNode.parentElement.closest(".note");
    if (!note || chosen.isCollapsed) return;
    const range = chosen.getRangeAt(0);
    const before = document.createRange();
    before.selectNodeContents(note);
    before.setEnd(range.startContainer, range.startOffset);
    const plain = (from) => {
      const piece = from.cloneContents();
      piece.querySelectorAll("a").forEach((it) => it.remove());
      return piece.textContent;
    };
    const form = document.querySelector("#add");
    if (!form) return;
    form.elements.quote.value = plain(range).trim();
    form.elements.document_id.value = note.dataset.document;
    form.elements.start.value = [...plain(before)].length;
    form.elements.quote.focus();
  };
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    a: () => press('button[value="accept"]', current()),
    r: () => open(".reject", current()),
    o: () => open(".override", current()),
    e: () => press(".quote", current()),
    "/": () => open("#words"),
    c: cite,
    q: () => open(".gap"),
    h: () => open("#hold"),
    v: () => press('button[value="validate"]'),
    f: () => document.querySelector('button[value="finalise"]')?.focus(),
    "?": () => open("#help") || document.querySelector("#help summary")?.focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = keys[event.key];
    if (!act || ("aroe".includes(event.key) && !current())) return;
    event.preventDefault();
    act();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("#cite")) cite();
  });
})();
