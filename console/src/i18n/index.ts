/** Which language the page speaks, and how it says a key in it. */

import { createStore, useStore } from "../state/store";
import { en, type Key, zh } from "./messages";

export type Language = "zh" | "en";
export type Values = Readonly<Record<string, string | number>>;
export type Translate = (key: Key, values?: Values) => string;

const DICTIONARIES: Record<Language, Record<Key, string>> = { zh, en };
const STORED = "bailu.language";

/** Chinese unless English was chosen. */
function stored(): Language {
  return globalThis.localStorage?.getItem(STORED) === "en" ? "en" : "zh";
}

export const language = createStore<Language>(stored());

export function setLanguage(next: Language): void {
  localStorage.setItem(STORED, next);
  language.set(next);
}

/** `{name}` in a text stands for the value of that name. */
export function translate(to: Language, key: Key, values: Values = {}): string {
  return DICTIONARIES[to][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

const TRANSLATORS: Record<Language, Translate> = {
  zh: (key, values) => translate("zh", key, values),
  en: (key, values) => translate("en", key, values),
};

export function useLanguage(): Language {
  return useStore(language, (value) => value);
}

export function useT(): Translate {
  return TRANSLATORS[useLanguage()];
}

/** For code outside React; changes with the language. */
export const t: Translate = (key, values) => translate(language.get(), key, values);

export function isKey(key: string): key is Key {
  return key in zh;
}
