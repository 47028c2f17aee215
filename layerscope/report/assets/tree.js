// A table whose rows fold by level. Without JavaScript, all rows are shown.
(() => {
  "use strict";
  for (const table of document.querySelectorAll("table.tree")) {
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, level: Number(row.dataset.level), fold: row.querySelector(".fold") }));
    const apply = () => {
      let closed = Infinity;
      for (const { row, level, fold } of rows) {
        row.hidden = level > closed;
        if (!row.hidden) closed = fold?.getAttribute("aria-expanded") === "false" ? level : Infinity;
      }
    };
    const show = (fold, open) => { fold.setAttribute("aria-expanded", String(open)); apply(); };
    const isOpen = (fold) => fold.getAttribute("aria-expanded") === "true";
    const depth = document.querySelector(`select[data-depth="${table.id}"]`);
    const open = () => {
      const deepest = depth.value === "all" ? Infinity : Number(depth.value);
      for (const { level, fold } of rows) fold?.setAttribute("aria-expanded", String(level < deepest));
      apply();
    };
    depth.closest(".finder").hidden = false;
    depth.addEventListener("change", open);
    open();

    const step = (place, by) => {
      for (let at = place + by; at >= 0 && at < rows.length; at += by) {
        if (rows[at].fold && !rows[at].row.hidden) { rows[at].fold.focus(); return; }
      }
    };
    rows.forEach(({ level, fold }, place) => {
      if (!fold) return;
      fold.addEventListener("click", () => show(fold, !isOpen(fold)));
      fold.addEventListener("keydown", (event) => {
        if (event.altKey || event.ctrlKey || event.metaKey) return;
        if (event.key === "ArrowDown") step(place, 1);
        else if (event.key === "ArrowUp") step(place, -1);
        else if (event.key === "ArrowRight" && !isOpen(fold)) show(fold, true);
        else if (event.key === "ArrowRight") step(place, 1);
        else if (event.key === "ArrowLeft" && isOpen(fold)) show(fold, false);
        else if (event.key === "ArrowLeft") {
          let at = place - 1;
          while (at >= 0 && rows[at].level >= level) at -= 1;
          rows[at]?.fold?.focus();
        } else return;
        event.preventDefault();
      });
    });
  }
})();
