// Tables: click a column title to sort, filter by text and kind. Works only on rows already in the page.
(() => {
  "use strict";
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  const size = (bytes, signed) => {
    let unit = 0;
    let value = Math.abs(bytes);
    while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit += 1; }
    const sign = bytes < 0 ? "−" : signed && bytes ? "+" : "";
    return sign + (unit ? `${value.toFixed(1)} ${units[unit]}` : `${value} B`);
  };
  const number = (cell) => Number(cell?.dataset.v ?? 0);
  document.documentElement.classList.add("live");

  for (const table of document.querySelectorAll("table.data")) {
    const body = table.tBodies[0];
    const rows = [...body.rows].filter((row) => !row.classList.contains("rest"));
    const rest = [...body.rows].filter((row) => row.classList.contains("rest"));
    const titles = [...table.tHead.rows[0].cells];
    rows.forEach((row, place) => { row.place = place; });

    titles.forEach((title, column) => {
      const button = title.querySelector("button");
      button?.addEventListener("click", () => {
        const { type } = title.dataset;
        const numeric = type !== "text";
        const now = title.getAttribute("aria-sort");
        const next = now === "none" ? (numeric ? "descending" : "ascending")
          : now === "descending" ? "ascending" : "descending";
        titles.forEach((each) => { if (each.hasAttribute("aria-sort")) each.setAttribute("aria-sort", "none"); });
        title.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const value = type === "number" ? (row) => number(row.cells[column])
          : type === "delta" ? (row) => Math.abs(number(row.cells[column]))
          : (row) => row.cells[column].textContent;
        const keyed = rows.map((row) => [value(row), row]);
        keyed.sort((a, b) => (a[0] < b[0] ? -sign : a[0] > b[0] ? sign : a[1].place - b[1].place));
        body.append(...keyed.map((pair) => pair[1]), ...rest);
      });
    });

    const text = document.querySelector(`[data-filter="${table.id}"]`);
    if (!text) continue;
    const kind = document.querySelector(`select[data-kind="${table.id}"]`);
    const output = document.querySelector(`[data-count="${table.id}"]`);
    const bytes = Number(table.dataset.bytes);
    text.parentElement.hidden = false;
    const apply = () => {
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      let sum = 0;
      for (const row of rows) {
        row.words ??= row.textContent.toLowerCase();
        const fits = words.every((word) => row.words.includes(word)) && (!kind?.value || row.dataset.kind.split(" ").includes(kind.value));
        row.hidden = !fits;
        if (fits) { shown += 1; sum += number(row.cells[bytes]); }
      }
      const all = !words.length && !kind?.value;
      for (const row of rest) row.hidden = !all;
      output.textContent = all ? "" : `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows, ${size(sum, "signed" in table.dataset)}`;
    };
    text.addEventListener("input", apply);
    kind?.addEventListener("change", apply);
  }
})();
