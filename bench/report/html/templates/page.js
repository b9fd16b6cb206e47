"use strict";
// What the page can do with a script: sort tables, hide series, say what a mark is. Everything is there without it.
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  // Tables: a button in each title; numbers by the value behind them, what has none last.
  const key = (row, column) => {
    const field = row.cells[column];
    const value = field.dataset.value;
    if (value === undefined) return field.textContent.trim() ? field.textContent.trim() : null;
    return value !== "" && Number.isFinite(Number(value)) ? Number(value) : value;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  const sort = (table, column, title) => {
    const up = title.getAttribute("aria-sort") !== "ascending";
    all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
    title.setAttribute("aria-sort", up ? "ascending" : "descending");
    const body = table.tBodies[0];
    const missing = (row) => key(row, column) === null || row.cells[column].textContent.trim() === "\u2013";
    Array.from(body.rows)
      .sort((a, b) => missing(a) - missing(b) || (up ? 1 : -1) * compare(key(a, column), key(b, column)))
      .forEach((row) => body.append(row));
  };
  all("table.sortable").forEach((table) =>
    all("thead th", table).forEach((title, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.append(...title.childNodes);
      title.append(button);
      button.addEventListener("click", () => sort(table, column, title));
    })
  );

  // Legends: a series is hidden in every figure and table of its subject, and back again.
  all(".subject").forEach((subject) => {
    const hidden = new Set();
    const show = () => {
      all(".drawn [data-series], .multiples [data-series], tr[data-series]", subject).forEach((mark) => {
        if (!mark.closest(".legend")) mark.classList.toggle("off", hidden.has(mark.dataset.series));
      });
      all(".legend button[data-series]", subject).forEach((button) =>
        button.setAttribute("aria-pressed", String(!hidden.has(button.dataset.series)))
      );
      all(".legend .everything", subject).forEach((button) => (button.hidden = hidden.size === 0));
    };
    all(".legend", subject).forEach((legend) => {
      all("li", legend).forEach((item) => {
        const button = document.createElement("button");
        button.type = "button";
        button.dataset.series = item.dataset.series;
        button.title = "Hide or show";
        button.append(...item.childNodes);
        item.removeAttribute("data-series");
        item.append(button);
        button.addEventListener("click", () => {
          const series = button.dataset.series;
          if (!hidden.delete(series)) hidden.add(series);
          show();
        });
      });
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "everything";
      button.textContent = "show all";
      button.hidden = true;
      button.addEventListener("click", () => {
        hidden.clear();
        show();
      });
      item.append(button);
      legend.append(item);
    });
    show();
  });

  // Tooltips: under the pointer, and with the arrow keys in a figure that has the focus.
  const tip = document.getElementById("tip");
  const place = (x, y, text) => {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(4, Math.min(x + 14, window.innerWidth - box.width - 8))}px`;
    tip.style.top = `${y + 20 + box.height > window.innerHeight ? y - box.height - 12 : y + 16}px`;
  };
  const leave = () => {
    tip.hidden = true;
    all(".here").forEach((mark) => mark.classList.remove("here"));
  };
  all("svg > title").forEach((title) => {
    // Shown as a tooltip of its own by the browser; as a label it is said and not shown.
    title.parentNode.setAttribute("aria-label", title.textContent);
    title.parentNode.removeAttribute("aria-labelledby");
    title.remove();
  });
  document.addEventListener("pointermove", (event) => {
    const mark = event.target.closest?.("[data-tip]");
    if (!mark) return leave();
    leave();
    mark.classList.add("here");
    place(event.clientX, event.clientY, mark.dataset.tip);
  });
  all("figure.drawn").forEach((figure) => {
    let at = -1;
    figure.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") return leave();
      if (!step || event.target !== figure) return;
      const marks = all("[data-tip]", figure).filter((mark) => mark.getClientRects().length && !mark.closest(".off"));
      if (!marks.length) return;
      event.preventDefault();
      at = (at + step + marks.length) % marks.length;
      leave();
      marks[at].classList.add("here");
      const box = marks[at].getBoundingClientRect();
      place(box.right, box.bottom, marks[at].dataset.tip);
    });
    figure.addEventListener("blur", leave);
  });

  // Paper has no clicks: what is folded is printed open.
  const folded = [];
  window.addEventListener("beforeprint", () =>
    all("details:not([open])").forEach((one) => {
      one.open = true;
      folded.push(one);
    })
  );
  window.addEventListener("afterprint", () => folded.splice(0).forEach((one) => (one.open = false)));
})();
