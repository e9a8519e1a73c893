/** A link to a scenario opens it, and shows it although a filter has hidden it. */

export function openTargets(): void {
  const open = (): void => {
    const target = location.hash === "" ? null : document.getElementById(location.hash.slice(1));
    const details = target?.querySelector<HTMLDetailsElement>(":scope > details");
    if (target === null || !details) return;
    target.hidden = false;
    details.open = true;
    target.scrollIntoView();
    details.querySelector<HTMLElement>("summary")?.focus({ preventScroll: true });
  };
  addEventListener("hashchange", open);
  // The same link once more changes no hash.
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[href^='#']") : null;
    if (link !== null && link.hash === location.hash) open();
  });
  open();
}
