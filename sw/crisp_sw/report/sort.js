"use strict";
// Sorts the rows of a table by a column: a button in every column head, numbers as numbers, unknown values last.
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  if (body.rows.length < 2) continue;
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const falling = head.getAttribute("aria-sort") !== "descending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const rows = [...body.rows].sort((a, b) => compare(a.cells[column], b.cells[column], falling ? -1 : 1));
      body.append(...rows);
    });
  });
}

function compare(first, second, sign) {
  const [a, b] = [first.dataset.value, second.dataset.value];
  if (a === undefined || b === undefined) return (a === undefined) - (b === undefined);
  const numbers = [Number(a), Number(b)];
  return sign * (numbers.some(Number.isNaN) ? a.localeCompare(b, "en", { numeric: true }) : numbers[0] - numbers[1]);
}
