"""Words of many languages that questions are asked in: yes and no, "answer", "option", and what stands between them."""

from __future__ import annotations

import re


def _split_words(words: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words.split()))


# "answer" in other languages than English. Where a language has no spaces, the word may stand inside others.
_SPACED = _split_words(
    "antwort lösung ergebnis endergebnis réponse reponse résultat respuesta resultado solución resposta"
    " resultat solução risposta risultato soluzione antwoord svar vastaus odpověď odpoved' odpowiedź"
    " odpowiedz wynik válasz răspuns răspunsul odgovor cevap cevabı yanıt jawaban jawapan sagot vastus"
    " απάντηση ответ відповідь отговор"
    " الإجابة الاجابة إجابة الجواب پاسخ جواب תשובה התשובה"
    " उत्तर जवाब উত্তর"
)
_OPTION = _split_words("opción opzione opção option alternativa вариант seçenek optie opcja pilihan विकल्प الخيار")
_UNSPACED = _split_words("答案 选项 選項 答え 正解 回答 解答 解答 最终结果 结果 結果 答 정답 답변 답 คำตอบ ตอบ")
_PHRASES = ("đáp án", "câu trả lời")
_ADJECTIVES = _split_words(
    "richtige korrekte richtig corect yang_tepat correcte exacte finale correcta correcto"
    " final correta corretta giusta finale esatta"
    " правильный верный benar đúng juiste yang_benar"
    " الصحيحة النهائية الصحيح النهائي"
)
_COPULAS = _split_words(
    "is ist lautet wäre est es é è to jest är er on je este e είναι є это là adalah ialah"
    " هي هو היא הוא sería seria serait sarebbe"
)
_PARTICLES = _split_words("应该是 应为 是 为 為 选择 選擇 选 選 は が 은 는 이 가 คือ")


def _either(words: tuple[str, ...]) -> str:
    return "|".join(re.escape(word.replace("_", " ")) for word in sorted(words, key=len, reverse=True))


_JOINT = (
    rf"[*_`\"']{{0,3}}\s{{0,3}}(?:(?:{_either(_ADJECTIVES)})\s{{1,3}})?"
    rf"(?:[:：=—-]|(?:{_either(_COPULAS)})(?![\w'])|{_either(_PARTICLES)})"
    r"[:：]?(?:[*_]{1,3}(?=\s))?\s{0,3}"
)
# "Falsche Antwort: B", "不选B": what is denied.
_WRONG_BEFORE = (
    r"(?<!falsche )(?<!mauvaise )(?<!неправильный )(?<!неверный )(?<!yanlış )(?<!incorrecta )(?<!errada )"
    r"(?<!sbagliata )(?<!foute )(?<!verkeerde )(?<!salah )"
)
_REJECTED = _split_words(  # "I reject option B", "A over option B"
    "not over than out reject rejected eliminate eliminated exclude excluded consider nor unlike versus"
)
_NOT_MEANT = "".join(rf"(?<!{word} )" for word in _REJECTED)
_WRONG_BEFORE_HAN = r"(?<![不别別非错錯误誤오])(?<!错误的)(?<!不是)"
# "Die Antwort ist", "La respuesta correcta es", what follows being the answer.
FOREIGN_ANSWER_IS = re.compile(
    rf"(?:(?<!\w){_WRONG_BEFORE}(?:{_either((*_SPACED, *_OPTION))}|{_either(_PHRASES)})(?:en|et|a)?(?!\w)"
    rf"|{_WRONG_BEFORE_HAN}(?:{_either(_UNSPACED)})){_JOINT}"
    rf"|(?:本题|故|应|应该|所以|因此|我)(?:应该|应)?(?:选择|选|選)\s{{0,2}}",
    re.IGNORECASE,
)
# The same without a word between, where only a lone letter or word may follow: "Cevap B", "答案B".
FOREIGN_ANSWER = re.compile(
    rf"(?:(?<!\w){_WRONG_BEFORE}(?:{_either(_SPACED)}|{_either(_PHRASES)})(?!\w)\s{{1,3}}"
    rf"|(?<!\w){_NOT_MEANT}(?:{_either(_OPTION)})(?!\w)\s{{1,3}}"
    rf"|{_WRONG_BEFORE_HAN}(?:{_either(_UNSPACED)}|选择|选|選)\s{{0,3}})"
    r"(?=[(\[（]?[A-ZＡ-Ｚ](?![A-Za-z0-9]))",
    re.IGNORECASE,
)
HEADINGS = frozenset({*_SPACED, *_OPTION, *_UNSPACED, *_PHRASES})
_OPTION_WORD = re.compile(
    r"(?:(?:la|le|l'|die|der|das|el|il|o|a|de|het)\s{1,3})?(?:选项|選項|選択肢|オプション|보기|선택지|вариант|opción|opzione"
    r"|opção|alternativa|letra|lettre|lettera|optie|opcja|seçenek|विकल्प|الخيار|pilihan|buchstabe|option|réponse)\s{0,3}"
    r"(?=[(\[]?[A-Z][)\]]?(?![A-Za-z0-9_]))|(?:la|le|die|el|il|a|o)\s{1,3}(?=[(\[]?[A-Z][)\]]?(?!\w))|\[(?=\[[A-Z]\]\])",
    re.IGNORECASE,
)
# Behind a letter: "B'dir", "B项". Behind any answer: "42です", "B입니다".
_ENDING = re.compile(r"(?<=[A-Z)\]])\s{0,2}(?:番|번|'?d[ıiüu]r|项|項|है)?[.。\s।!\]]*$")
_COPULA_BEHIND = re.compile(r"\s?(?:です|である|になります|となります|입니다|이다|이에요|예요|है|हैं)[.。\s।!]*$")


def strip_option_words(text: str) -> str:
    """A short text without words for "option" before a letter and without copulas behind an answer."""
    if len(text) > 60:
        return text
    if lead := _OPTION_WORD.match(text):
        text = text[lead.end() :]
    text = _COPULA_BEHIND.sub("", text)
    return _ENDING.sub("", text) if len(text) <= 12 else text


_YES = _split_words(
    "yes true correct right ja wahr richtig korrekt stimmt oui vrai vraie exact sí si verdadero verdadera cierto sim"
    " verdadeiro verdadeira sì vero vera да верно правда истина правильно так 是 是的 对 對 对的 正确 正確 真 はい"
    " 正しい 예 네 참 맞다 맞습니다 그렇다 نعم صحيح صح بله हाँ हां सही सत्य evet doğru tak prawda waar juist kyllä ano da"
    " ναι σωστό ya benar đúng có כן נכון igen sant ใช่ ถูก"
)
_NO = _split_words(
    "no nope nah false incorrect wrong untrue nein falsch unwahr non faux fausse falso falsa não нет неверно"
    " ложь неправда"
    " неправильно ні 否 不 不是 错 錯 错误 錯誤 假 不对 不對"
    " 不正确 不正確 いいえ 間違い 偽 誤り 正しくない 아니요 아니오 거짓"
    " 틀리다 틀립니다 틀렸다 لا خطأ خاطئ نه خیر नहीं गलत असत्य hayır yanlış nie fałsz nieprawda nee onwaar onjuist ei"
    " väärin ne όχι λάθος tidak salah không sai לא nem nej falskt ไม่ใช่ ผิด"
)
BOOLEANS = {**dict.fromkeys(_YES, "Yes"), **dict.fromkeys(_NO, "No")}
# "Das ist falsch", "La afirmación no es cierta", "这个说法是错误的": what it says, and whether it is denied.
FOREIGN_STATEMENT = re.compile(
    r"(?:(?:[^\W\d_]{1,14}['’ ]){0,3}?(?P<before>no |non |não |nie |не )?(?:ist|est|es|é|è|jest|är|это|утверждение)\s"
    r"(?P<behind>nicht |pas |não |niet |inte |не )?(?:eindeutig |also |donc )?(?P<word>[^\W\d_]{3,14})"
    r"|(?P<only>pas|nicht|не)\s(?P<plain>[^\W\d_]{3,14})"
    r"|(?:这|该|此|那|它)?(?:个|句|种)?(?:说法|陈述|命题|观点|表述|话|判断)?是(?P<han>正确|错误|对|错|真|假)的?)[.。!\s]*",
    re.IGNORECASE,
)
# "therefore" and its like: what follows is the conclusion.
CONNECTIVES = _either(
    (
        *_split_words(
            "therefore thus hence so consequently accordingly ergo daher deshalb somit folglich donc ainsi"
            " portanto assim logo quindi perciò dunque entonces luego dus daarom zatem"
            " więc dlatego så altså dolayısıyla yani jadi"
            " поэтому следовательно значит итак إذن لذلك इसलिए अतः"
            " 因此 所以 故 由此 よって したがって だから 따라서 그러므로"
        ),
        "por lo tanto",
        "por tanto",
        "as a result",
    )
)
# "B ist richtig", "B是正确的", "正解はB", all of a sentence.
CONFIRMED_LETTER = re.compile(
    r"(?:(?:ist|est|es|is|è|é)\s)?(?:(?:die|la|a|de)\s)?"
    r"[(\[]?([A-Z])[)\]]?[.:]?\s{0,2}(?:(?:(?:ist|est|es|é|è|jest|is|är)\s+)?(?:(?:die|das|la|le|a|de|het|il)\s+)?(?:richtig\w*|korrekt\w*"
    r"|correct\w*|corret\w*|corrett\w*|exact\w*|bonne|juste|giust\w*|poprawn\w*|prawidłow\w*|juist\w*|goed\w*|rätt)"
    r"(?:\s+\w{1,12})?|(?:是)?(?:正确|对)(?:的|答案|选项)*|(?:が|は)(?:正解|正しい)(?:です)?|(?:가|이)\s?(?:정답|맞)\w{0,4}"
    r"|(?:—|-)?\s?(?:правильный|верный)\sответ|doğru(?:dur)?)[.。!\s]{0,3}"
)
# "Richtig ist B", "La correcta es B", "Верно: B", before a letter.
RIGHT_IS = (
    r"(?:(?:die|das|la|le|el|il|a|o|de|het)\s)?"
    r"(?:richtig\w{0,2}|korrekt\w{0,2}|zutreffend|correct[aeo]?|corrett[ao]|corret[ao]|juiste?|goed|poprawn[aey]|rätt|doğrusu"
    r"|верно|правильно|правильный|正解|正しいのは|正确的|正确)"
    r"(?:\s(?:antwort|lösung|aussage|option|réponse|respuesta|opción|risposta|resposta|opção|antwoord|odpowiedź|svar))?"
    r"(?:\s?[:：=—–-]\s{0,2}|\s(?:ist|wäre|est|es|é|è|jest|is|är)\s|是|は)\s?"
    r"(?:(?:die|la|le|el|a|het|de)\s)?(?:(?:antwort|option|lösung|réponse|respuesta|opción|risposta|resposta|opção|optie"
    r"|opcja|alternativ)\s)?"
)
