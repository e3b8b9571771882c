import { useState } from 'react'
import type { Item } from '#contract/items.ts'
import { loadItems } from '../../app/item-pages.ts'
import { type BrowserSearch, toQuery } from '../../app/view-search.ts'

/** Most items that are chosen one by one, as many as requests that name items take; for more there is all of the view. */
export const CHOSEN_MAX = 5_000

/** How a click or a key adds to what is chosen. */
export interface ChooseHow {
  /** One more or one less, the others stay. */
  readonly additive: boolean
  /** Everything from the item that was chosen last to this one. */
  readonly range: boolean
}

/** Items that somebody chose: some by name, or all that the view's query finds, however many that are. */
export interface Choice {
  readonly items: ReadonlyMap<string, Item>
  readonly isWhole: boolean
  readonly count: number
  /** The item that was chosen last, to be told about at the side. */
  readonly last: Item | null
}

interface Chosen {
  readonly items: ReadonlyMap<string, Item>
  readonly isWhole: boolean
  readonly last: Item | null
  /** Place in the view of the item that a range begins at. */
  readonly anchor: number | null
  /** The view it was chosen in: in another one the places are others, and so is what all of it means. */
  readonly view: string
}

/** Chooses items of a view; with another filter or folder nothing is chosen any more. `tooMany` is told when a range is longer than can be chosen. */
export function useChoice(
  datasetId: string,
  search: BrowserSearch,
  total: number,
  problem: (cause: 'too-many' | Error) => void,
) {
  const view = JSON.stringify([datasetId, toQuery(search)])
  const none: Chosen = { items: new Map(), isWhole: false, last: null, anchor: null, view }
  const [kept, setChosen] = useState(none)
  const chosen = kept.view === view ? kept : none
  const choose = (item: Item, place: number, how: ChooseHow) => {
    if (how.range && chosen.anchor !== null) {
      void chooseRange(chosen.anchor, place, item)
      return
    }
    const items = new Map(how.additive && !chosen.isWhole ? chosen.items : [])
    if (!how.additive || !items.delete(item.id)) items.set(item.id, item)
    if (items.size > CHOSEN_MAX) problem('too-many')
    else setChosen({ items, isWhole: false, last: item, anchor: place, view })
  }
  const chooseRange = async (anchor: number, place: number, last: Item) => {
    const [from, to] = anchor < place ? [anchor, place] : [place, anchor]
    if (to - from >= CHOSEN_MAX) return problem('too-many')
    try {
      const items = new Map((await loadItems(datasetId, search, from, to)).map((item) => [item.id, item]))
      setChosen({ items, isWhole: false, last, anchor, view })
    } catch (error) {
      problem(error as Error)
    }
  }
  const choice: Choice = {
    items: chosen.items,
    isWhole: chosen.isWhole,
    count: chosen.isWhole ? total : chosen.items.size,
    last: chosen.last,
  }
  return {
    choice,
    choose,
    chooseAll: () => setChosen({ ...none, isWhole: true }),
    clear: () => setChosen(none),
  }
}

/** The filter of a query that finds what is chosen, and nothing else. */
export function choiceFilter(
  choice: Pick<Choice, 'items' | 'isWhole'>,
  search: BrowserSearch,
): Record<string, unknown> {
  return choice.isWhole
    ? toQuery(search).filter
    : { $and: [{ type: 'file' }, { id: { $in: [...choice.items.keys()] } }] }
}
