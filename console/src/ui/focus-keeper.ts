/** Elements that are remembered; more than the longest way through a dialog and back. */
const REMEMBERED = 50
/** A dialog or menu that gives the focus back by itself does so within 10 ms. */
const PATIENCE_MS = 30

/**
 * Gives the focus back when a dialog is closed: to what had it last and is still there, for the whole window and all its dialogs. The component library does so
 * only for dialogs that stay in the page while they are closed; ours are taken out. Started once.
 */
export function keepFocus(): void {
  let recent: HTMLElement[] = []
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement)) return
    recent = [target, ...recent.filter((each) => each !== target && each.isConnected)].slice(0, REMEMBERED)
  })
  const giveBack = () => {
    if (document.activeElement !== null && document.activeElement !== document.body) return
    const next = recent.find((each) => each.isConnected && each.getClientRects().length > 0)
    next?.focus({ preventScroll: true })
  }
  const look = (records: readonly MutationRecord[]) => {
    const last = recent[0]
    const isTakenAway = records.some(({ removedNodes }) =>
      [...removedNodes].some((node) => node.contains(last ?? null)),
    )
    if (isTakenAway) setTimeout(giveBack, PATIENCE_MS)
  }
  // Dialogs, drawers and menus are children of one node, which is made with the first of them.
  const closings = new MutationObserver(look)
  const places = new MutationObserver((records) => {
    look(records)
    for (const { addedNodes } of records)
      for (const node of addedNodes)
        if (node instanceof HTMLElement && node.dataset.portal !== undefined)
          closings.observe(node, { childList: true })
  })
  places.observe(document.body, { childList: true })
}
