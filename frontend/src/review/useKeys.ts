import { useEffect, useRef } from "react";

const TYPING = "input:not([type=radio]), textarea, select, dialog, [role=menu]";
/** Where arrows have a meaning of their own. */
const MOVING = "[role=tablist], [role=radiogroup]";

/** Single keys, where nothing is being typed and no dialog or menu is open. */
export function useKeys(on: boolean, keys: Record<string, () => unknown>): void {
  const held = useRef(keys);
  held.current = keys;
  useEffect(() => {
    if (!on) return undefined;
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target as HTMLElement;
      if (event.key !== "Escape" && target.closest(TYPING)) return;
      if (event.key.startsWith("Arrow") && target.closest(MOVING)) return;
      const act = held.current[event.key];
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, [on]);
}
