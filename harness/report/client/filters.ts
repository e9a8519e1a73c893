/** The counts at the top become switches that show only the scenarios of one status; one more opens and closes all. */

export function makeFilters(): void {
  const counts = document.querySelector<HTMLElement>(".counts");
  if (counts === null) return;
  const switches: HTMLButtonElement[] = [];
  for (const item of counts.querySelectorAll<HTMLElement>("[data-status]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", "false");
    button.append(...item.childNodes);
    item.append(button);
    switches.push(button);
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") === "true";
      for (const other of switches) other.setAttribute("aria-pressed", String(other === button && !pressed));
      show(pressed ? undefined : item.dataset.status);
    });
  }
  counts.append(openAllItem());
}

function show(status: string | undefined): void {
  for (const element of document.querySelectorAll<HTMLElement>("main [data-status]"))
    element.hidden = status !== undefined && element.dataset.status !== status;
}

function openAllItem(): HTMLElement {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  const scenarios = [...document.querySelectorAll<HTMLDetailsElement>(".scenario > details")];
  const allOpen = (): boolean => scenarios.every(({ open }) => open);
  const label = (): void => {
    button.textContent = allOpen() ? "Close all" : "Open all";
  };
  button.addEventListener("click", () => {
    const open = !allOpen();
    for (const details of scenarios) details.open = open;
    label();
  });
  for (const details of scenarios) details.addEventListener("toggle", label);
  label();
  item.append(button);
  return item;
}
