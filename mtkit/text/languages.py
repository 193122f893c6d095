"""Languages by their codes and names."""

from __future__ import annotations

import re

from mtkit.errors import SettingsError

_SHORT = r"\w+(?:@\w+)?"  # fr, pt_BR, sr@latin
_CODE = r"\w+(?:[-@]\w+)*"  # pt-BR and zh-Hant-TW too
_SUBTAG = re.compile(r"[A-Z]{2}|\d{3}|[A-Z][a-z]{3}")  # a region or a script, as in en-US, es-419, sr-Latn

# ISO 639-1, by the names that column headers have in English.
_NAMES = """
aa Afar, ab Abkhazian, af Afrikaans, ak Akan, am Amharic, an Aragonese, ar Arabic, as Assamese, av Avaric, ay Aymara,
az Azerbaijani, ba Bashkir, be Belarusian, bg Bulgarian, bi Bislama, bm Bambara, bn Bengali, bo Tibetan, br Breton,
bs Bosnian, ca Catalan, ce Chechen, ch Chamorro, co Corsican, cs Czech, cv Chuvash, cy Welsh, da Danish, de German,
dv Divehi, dz Dzongkha, ee Ewe, el Greek, en English, eo Esperanto, es Spanish, et Estonian, eu Basque, fa Persian,
ff Fulah, fi Finnish, fj Fijian, fo Faroese, fr French, fy Frisian, ga Irish, gd Gaelic, gl Galician, gn Guarani,
gu Gujarati, gv Manx, ha Hausa, he Hebrew, hi Hindi, hr Croatian, ht Haitian, hu Hungarian, hy Armenian, ia Interlingua,
id Indonesian, ig Igbo, is Icelandic, it Italian, iu Inuktitut, ja Japanese, jv Javanese, ka Georgian, kg Kongo,
ki Kikuyu, kk Kazakh, kl Kalaallisut, km Khmer, kn Kannada, ko Korean, ks Kashmiri, ku Kurdish, kv Komi, kw Cornish,
ky Kyrgyz, la Latin, lb Luxembourgish, lg Ganda, li Limburgish, ln Lingala, lo Lao, lt Lithuanian, lv Latvian,
mg Malagasy, mh Marshallese, mi Maori, mk Macedonian, ml Malayalam, mn Mongolian, mr Marathi, ms Malay, mt Maltese,
my Burmese, nb Norwegian, ne Nepali, nl Dutch, nn Nynorsk, no Norwegian, nv Navajo, ny Chichewa, oc Occitan, oj Ojibwa,
om Oromo, or Odia, os Ossetian, pa Punjabi, pl Polish, ps Pashto, pt Portuguese, qu Quechua, rm Romansh, rn Rundi,
ro Romanian, ru Russian, rw Kinyarwanda, sa Sanskrit, sc Sardinian, sd Sindhi, se Sami, sg Sango, si Sinhala, sk Slovak,
sl Slovenian, sm Samoan, sn Shona, so Somali, sq Albanian, sr Serbian, ss Swati, st Sotho, su Sundanese, sv Swedish,
sw Swahili, ta Tamil, te Telugu, tg Tajik, th Thai, ti Tigrinya, tk Turkmen, tl Tagalog, tn Tswana, to Tongan,
tr Turkish, ts Tsonga, tt Tatar, ty Tahitian, ug Uyghur, uk Ukrainian, ur Urdu, uz Uzbek, ve Venda, vi Vietnamese,
wa Walloon, wo Wolof, xh Xhosa, yi Yiddish, yo Yoruba, za Zhuang, zh Chinese, zu Zulu
"""

_WORDS = _NAMES.replace(",", " ").split()
NAMES = dict(zip(_WORDS[::2], _WORDS[1::2], strict=True))
"""The English name of each language that has a code of two letters."""

_CODES = {name.casefold(): code for code, name in NAMES.items()}


def split_langs(langs: str) -> tuple[str, str]:
    """Split a language pair: `split_langs("en-fr") == ("en", "fr")`, and so does `en:pt-BR` at its colon.

    Raises:
        SettingsError: it is not a pair of two languages.
    """
    match = re.fullmatch(rf"({_SHORT})-({_SHORT})", langs) or re.fullmatch(rf"({_CODE}):({_CODE})", langs)
    if match is None:
        raise SettingsError(f"`langs` {langs!r} is not a language pair; write {_suggestion(langs)}")
    if match[1] == match[2]:
        raise SettingsError(
            f"`langs` {langs!r} is one language twice; give the two sides names of their own, as in en-en_simple"
        )
    return match[1], match[2]


def join_langs(src_lang: str, tgt_lang: str) -> str:
    """Write a language pair so that `split_langs` reads it."""
    return f"{src_lang}{':' if '-' in src_lang + tgt_lang else '-'}{tgt_lang}"


def language_named(text: str) -> str | None:
    """Return the code of the language that some text is the name or the code of, or None.

    >>> language_named("English"), language_named("pt-BR"), language_named("A cat.")
    ('en', 'pt', None)
    """
    text = text.strip()
    if text.casefold() in _CODES:
        return _CODES[text.casefold()]
    primary = re.split("[-_@]", text, maxsplit=1)[0].casefold()
    return primary if primary in NAMES and re.fullmatch(_CODE, text) else None


def _suggestion(langs: str) -> str:
    """Return how a pair may have been meant: en-pt-BR is en-pt_BR, if BR looks like a region or a script."""
    parts: list[str] = []
    for part in langs.split("-"):
        if parts and _SUBTAG.fullmatch(part):
            parts[-1] += f"-{part}"
        else:
            parts.append(part)
    if len(parts) == 2 and re.fullmatch(rf"{_CODE}:{_CODE}", ":".join(parts)) and "-" in parts[0] + parts[1]:
        return f"{parts[0].replace('-', '_')}-{parts[1].replace('-', '_')}, or {parts[0]}:{parts[1]} with a colon"
    return "source and target, as in en-fr"
