"""Numbers as people and models write them, gold answer by gold answer: what is right, and what never is."""

from __future__ import annotations

import pytest

from openrft.grading.grade import grade
from openrft.types import Sample

RIGHT = {
    "0.5": ["1/2", "1/2 = 0.5", r"\dfrac{1}{2}", r"\frac12", "\xbd", "half", "one half", "1/2 (0.5)",
        "0.5 = 1/2", r"50\% = 0.5", "0,5", "0,50", "0{,}5", "about 0,5", "0,5 kg"],
    "300000000": [r"3 \times 10^8", "3e8", "3E+8", "3 x 10^8", "3 \xd7 10\u2078", r"3 \times 10^{8}",
        r"3\cdot10^8", "3*10**8", r"3 \mathrm{e} 8"],
    "0.002": [r"2\times10^{-3}"],
    "1000": ["1{,}000", "10^3", "1 000", "1\u2009000", "1\u202f000", "1'000", "1\u2019000", r"1\,000",
        r"1\ 000", r"1\;000", "USD 1,000", "1.0e3", "1.000 \xd7 10\xb3"],
    "1.5": ["3/2", "1 1/2", r"1\frac{1}{2}", "1\xbd", "1.5:"],
    "18.0": ["M(H_2O) = 18.0"],
    "-5": ["- 5", "\u22125", "-$5", "-5.0", "negative 5", "-5 m", "- 5 m", "\u20135", "(-5)"],
    "3.2e-5": [r"3.2 \times 10^{-5}"],
    "3.14": ["3.14159", "\u03c0", r"\pi"],
    "1,200": ["1200"],
    "2e3": ["2000"],
    "7": ["seven", "pH 7", "pH = 7", r"\lfloor x \rfloor = 7", r"\sum = 7", r"\text{pH}=7", "[H+] = 7"],
    "1000000": ["1,000,000", "1 000 000", "10^6", "1e6", r"1\times10^6", "1 million", "one million"],
    "5,7": ["5.7", "5,7"],
    "85%": ["85%", "85", "0.85", r"85\%", "85 percent"],
    "1.41": [r"\sqrt{2}", "sqrt(2)"],
    r"\sqrt{2}": ["1.414"],
    "6.28": [r"2\pi"],
    "2.718": ["e"],
    "5": ["$5", r"\$5", "5 dollars", "5 cm^2", "5 mol", "5.0 mol", "5.00"],
    "$5": ["5 dollars", "5"],
    "12 kg": ["12 kg", r"12\text{ kg}", "12 kilograms"],
    "12": [r"12 \mathrm{m/s^2}", "about 12", "approximately 12", "\u2248 12", "~12", "\uff11\uff12",
        "\u0661\u0662", "12 kg of water", "12.", "The answer is 12", "there are 12 protons",
        "12 is the answer", "12 because 3*4=12", "12, since 3*4=12", "12. This is 3*4.", "twelve", "12 or so",
        "x = 3 * 4 = 12", "mass = 12 g", "Group 12", "12 at 25 \xb0C", "(12)", "**12**", "12 apples",
        "12 in total", "= 12", "the total is about 12 kg", "x=12", "n = 12.", r"x = 12 \text{ cm}",
        "Answer: 12", "12-kg", r"12~\mathrm{kg}", r"12\,\mathrm{mol\,L^{-1}}", "it is 12", "It costs $12",
        "12 protons", r"\text{12}", r"12\text{ apples}", "$12$", r"\$12", r"\$12.00", "Twelve",
        "12; the rest follows", "n=12, so there are twelve", r"$12\text{ kg}$", r"12\;\text{kg}",
        r"12 \, \text{kg}", "12\xa0kg", r"x=12\,", r"\quad 12", "12\\\\", r"12\text{ }", r"\left(12\right)",
        r"\displaystyle 12", "12,", "[12]", "{12}", "\u201c12\u201d", "'12'", '"12"', "`12`", "A: 12"],
    "25 \xb0C": ["25\xb0C"],
    "25": [r"25^\circ\text{C}", "twenty-five"],
    "4": ["x = 4", "|x| = 4"],
    "105": ["one hundred and five"],
    "2000000": ["2 million"],
    "0.333": ["1/3 \u2248 0.333"],
    "1/3": ["0.333", r"\frac{1}{3}", "1/3", r"\frac13", "2/6"],
    "2/3": ["0.667"],
    "3": ["3rd", r"\sqrt{9}", r"\sqrt[3]{27}", "3 sig figs"],
    "3/4": ["0.75", "3/4"],
    "1e400": ["1e400", "10^400"],
    "1.234,56": ["1234.56"],
    "0.3333": [r"0.\overline{3}"],
    "-12": ["minus 12", "negative twelve"],
    "1 000": ["1000"],
    "12 m/s": ["12 m s^{-1}", "12 meters per second"],
    "5 cents": ["5\xa2"],
    "18": ["18.02"],
    "1.618": [r"\frac{1+\sqrt{5}}{2}"],
    r"\frac{\pi}{4}": ["0.785", r"\pi/4"],
    "6.02e23": [r"6.02 \times 10^{23}\ \text{mol}^{-1}"],
    "3 mW": ["3 mW"],
    "9.8 m/s^2": [r"9.8\ \text{m/s}^2", r"9.8\,\frac{\text{m}}{\text{s}^2}"],
    "12 L": ["12 l"],
    "1200": [r"\$1{,}200", "$1,200", r"1\,200"],
    "0.25": ["25/100", r"\frac{25}{100}", r"\left(\frac{1}{2}\right)^2", "(1/2)^2"],
    "-0.5": [r"-\frac{1}{2}", r"\frac{-1}{2}", "-1/2", "\u2212\xbd"],
    "3.5": ["3 1/2", r"3\tfrac12", "3\xbd", "7/2"],
    "6.022e23": [r"6.022\times10^{23}", "6.022 \xd7 10^23", "6.022x10^23", "6.022E23", "6.022*10^23",
        r"6.022 \cdot 10^{23}"],
    "1e-7": ["10^{-7}", "10\u207b\u2077", r"1 \times 10^{-7}"],
    "0.0000001": ["10^{-7}"],
    "1.6e-19": [r"1.6\times 10^{-19}\ \text{C}", r"1.6 \times 10^{-19} C"],
    "100": ["one hundred"],
    "75%": [r"75\%", "0.75", "3/4", r"\frac{3}{4}"],
    r"75\%": ["75"],
    "2": ["x=2", "x = 2.0", "y=2", r"\theta = 2", r"v_0 = 2 \text{ m/s}", r"v = 2\ \mathrm{m\,s^{-1}}",
        "n_1 = 2", "a_{n} = 2", "f(3) = 2", r"\Delta H = 2 kJ", r"\approx 2", "approx. 2", "c. 2", "roughly 2",
        "around 2", r"\sim 2", "exactly 2", "= 2", r"\boxed{2}", r"\mathbf{2}", "**2**", "2.", "2", " 2 ",
        "+2", "\uff12", "\u06f2", "\u0968", "2 (two)", "two (2)"],
    "-2": [r"\Delta H = -2\ \text{kJ/mol}"],
    "1234": ["\uff11\uff0c\uff12\uff13\uff14"],
    "5 cm": [r"5\text{cm}", "5 centimeters", "5cm", r"5\,cm", r"5~\text{cm}"],
    "5 cm^2": ["5 square centimeters", r"5\text{ cm}^2"],
    "5 m^3": [r"5\ \mathrm{m}^3"],
    "30\xb0": ["30", r"30^{\circ}"],
    "30": ["30\xb0", r"30^\circ", r"30^{\circ}", "30 degrees"],
    "1.41421356": [r"\sqrt{2}", r"\sqrt2", "\u221a2"],
    "6.2832": [r"2\pi"],
    "1.5708": [r"\frac{\pi}{2}", r"\pi/2"],
    "7.389": ["e^2"],
    "4.2426": [r"3\sqrt{2}"],
    "0.7071": [r"\frac{\sqrt{2}}{2}", r"\frac{1}{\sqrt{2}}", r"1/\sqrt{2}"],
    "2.4142": [r"1+\sqrt{2}"],
    "1,000,000": ["1000000"],
    "0": ["zero", "0", "0.0", "-0"],
    "0.333333": ["1/3"],
    "42": [r"\text{The answer is } 42", r"42 \text{ (approximately)}", "42 J", "42 J/(mol\xb7K)",
        "42 J mol\u207b\xb9 K\u207b\xb9", "42 km/h", "42 mph", "42 g/mol", "42 amu", "42 u", "42 V",
        "42 \u03a9", r"42\ \Omega", r"42\ \mu m", r"42\,\mu\text{m}", "42 nm", "42 \xc5", "42 eV", "42 K",
        "42 ppm", "42 bar", "42 hours", "42 years old", "42 people", r"42\text{ g of NaCl}", "42 g NaCl",
        "42 units", "\u20ac42", "42 \u20ac", "\xa342", "42 USD", "Rs. 42", "\xa542",
        "The final answer is 42", "It is 42 kg.", r"m = 42\ \text{kg}", r"m \approx 42\ \text{kg}",
        r"m = \frac{84}{2} = 42", r"\frac{84}{2} = 42", r"6 \times 7 = 42", r"6\cdot 7=42\text{ J}"],
    "0.001": ["1e-3", "10^-3", "10^{-3}", "1/1000"],
    "-273.15": ["-273.15 \xb0C", "\u2212273.15\xb0C"],
    "5e9": ["5 billion", "5\xd710\u2079"],
    "8": ["2^3", "8 bonds"],
    "1024": ["2^{10}"],
    "256": ["4^4"],
    "0.1": ["1/10"],
    "1500": ["1,500.00", "1500 rpm"],
    "1e10": ["10^{10}"],
    "2.5": [r"2\frac{1}{2}", r"2 \frac{1}{2}", "2 and 1/2"],
    "10": ["10 minutes", "10 min", "10 s"],
    "1.0e-14": [r"1.0 \times 10^{-14}", "1.0 x 10-14"],
    "9.8": [r"9.8 \frac{m}{s^2}", r"9.8\,\frac{\text{m}}{\text{s}^2}"],
    "60 km/h": [r"60 \frac{\text{km}}{\text{h}}"],
    "6": ["6 electrons"],
    "99.9%": ["99.9 %"],
    "0.05": ["5e-2"],
}  # fmt: skip

WRONG = {
    "12.5": [r"12.5\%", "12.5 %"],  # neither the gold answer nor the question speaks of percent
    "100": [r"100\%"],
    "42": ["42 per cent"],
    "2": ["CO2", "H2O", "x2", "x_2", "square root of 2", "2x+1", "2-butene", "1\xbd", "Fe2+", "O2", "x^2",
        "CO_2", r"\text{CO}_2", r"\mathrm{CO_2}", "H\u2082O", "1/2", "\u221a2", r"2\sqrt{3}", "2e", "2\u03c0",
        "2D", "2,3-dimethylbutane", "one, two"],
    "12": ["12 or 13", "12-13", "12 \u2013 13", "3 * 4", "12:30", "12 \xb1 1", "x = 4 or x = 12",
        "12 if x > 0", "not 12, 13", "12/25/2020", "12.13.14", "12e", "C12H22O11", "1.2e2", "12 and 13",
        "12, 13", "12,13", "12/13", "12 - 13", "12\u201413", "12~13", "12 to 13", "12 or more", "12+",
        "either 12 or 13", "12 \u2228 13", r"12\text{ or }13", r"12 \text{ and } 13", r"\{12, 13\}",
        "(12, 13)", "[12, 13]", "12 x 13", "<12", ">12", r"\le 12", r"\geq 12", "more than 12",
        "fewer than 12", "no more than 12", "under 12", "over 12", "not 12", "isn't 12", "12?  or 13",
        "12 \xb1 2", r"12 \pm 2", "12 or maybe 11", "anything but 12", "any number except 12", "1, 2, 12",
        "12 12", "1 2", "1.2", "120", "12e1", "-12", "12i", "12x", "12n + 1", "x + 12", "12 + x", "12^2",
        "12!", r"\sqrt{12}", r"\frac{12}{5}", "log 12", "ln(12)", r"\log_{10} 12", "sin 12", "1/12",
        "I think the answer could be 12 or 13", "B12", "vitamin B12", "carbon-12", "C12", "Carbon 12", "none",
        "unknown", "N/A"],
    "3": [r"3\sqrt{2}", "y = 3x", "3:4", "0x3", "NH3", "300000000", "\u03c0", "e", "3D", "3-methylpentane"],
    "1": [r"\frac{1}{2}", "0.5", "B1", "10^{-1}", "1,000", "1 1/2", "1s2", "Fe(1)", "1-propanol", "one or two",
        "a", "infinity", r"\infty", "nan"],
    "10": ["10^3", "10:30"],
    "5": ["- 5", "5, 7", "5 or 7", "between 5 and 7", "not 5", "> 5", "at least 5", "5-7", "5 to 7", "{5, 7}",
        "5 and 7", "5; 7", "5 7", "2+3", "5x", "\u2265 5", "5 or more", "up to 5", "less than 5", "maybe 5",
        "x = 4, y = 5", "5. Or 7", "5, maybe 7", "5+", "$5-$7", "five or six", "five, six", "5 squared", "5!",
        "I don't know, 5?", "no 5", "isn't 5", "A5", "5 = 6", "Na+ 5 Cl", "five hundred", "-5", "5.5.5",
        r"5 \cup 7", r"x \in \{5, 7\}", r"x=5 \text{ or } x=7", "x_1 = 5, x_2 = 7", "5 apples and 7 pears",
        "5 for A, 7 for B", "5 if a > 0, 7 otherwise", "5 at A 7 at B", 
        "5 when x = 1 and 7 when x = 2", "5 (or 7)", "5 (7)", "5/7 or 5", "first 5, then 7",
        "5 \u2192 7", "5 < x < 7", "5 vs 7", "5|7", r"5\\7", "5\n7", "5&7", "5;7", "5 ou 7", "5 oder 7",
        "5 o 7", "5\u62167", "nicht 5", "\u4e0d\u662f5", "5 is wrong", "5 is not correct", "5 is incorrect",
        "5 is too small", "5, wait, 7", "5. No, 7", "5. Wait, maybe 6", "5 -> 6", "less than or equal to 5",
        "from 5", "5 onwards", "5 or so or 7"],
    "14": ["C-14", "carbon-14"],
    "57": ["5,7", "5.7"],
    "0": ["nothing", "", "0,5", "0, 5"],
    "123": ["1,2,3"],
    "0.5": ["-0,5", "0, 5", "0,5,7", "0,5 or 0,6", "50%", "1e400", "0.5%", "1/3", "2"],
    "12 kg": ["12 g", "12 apples", "12 lb", "12 mg"],
    "3 mW": ["3 MW"],
    "1.2": ["1.2.3"],
    "3.14": ["3.146"],
    "85%": ["0.85%", "8.5", "15%"],
    "4": ["x = 4, y = 5", r"3\sqrt2", "CH4", "2+2", r"2 \times 2", "sp4"],
    "12 apples": ["12 oranges"],
    "25": ["5 squared"],
    "1/3": ["0.3", "1/4"],
    "1000": ["1e3000000", "10^{-3}", "1", "1,00", "1.000"],
    "-5": ["5"],
    "9": ["3^3"],
    "60": ["C60"],
    "12 m": ["12 cm"],
    "12 s": ["12 min"],
    "12 K": ["12 \xb0C"],
    "12 J": ["12 kJ"],
    "12 mV": ["12 MV"],
    "12 cm^2": ["12 cm", "12 cm^3"],
    "12 m/s": ["12 km/h"],
    "12 kJ/mol": ["12 kJ"],
    "5 dollars": ["5 euros"],
    "$5": ["5 cents", "\u20ac5"],
    "75%": ["0.0075", "750", "7.5%"],
    "0.75": ["75%", "0.75%"],
    "0.001": ["1e3"],
    "300000000": ["3", "10^8", r"3 \times 10^{-8}"],
    "5.7": ["57", "5,7"],
    "1.5": ["1/2", "11/2"],
    "238": ["U-238", "uranium-238"],
    "7": ["Li7", "x_1 = 5, x_2 = 7", "5 apples and 7 pears", "x^2 = 7", "2x = 7"],
    "2020": ["2020-01-01"],
}  # fmt: skip


def verdict(gold: str, said: str, question: str = "How much is it?") -> bool | None:
    return grade(Sample(question, gold, kind="number"), f"\\boxed{{{said}}}").correct


def pairs(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(gold, said) for gold, spellings in table.items() for said in spellings]


@pytest.mark.parametrize(("gold", "said"), pairs(RIGHT))
def test_right(gold: str, said: str) -> None:
    assert verdict(gold, said)


LANGUAGES = [
    ("\u7b54\u6848\u662f12", True), ("\u7ea612", True), ("12\u4e2a", True), ("\u517112\u4e2a\u82f9\u679c", True),
    ("\u7b54\u6848\uff1a12", True), ("\u81f3\u5c1112", False), ("\u4e0d\u662f12", False), ("12\u621613", False),
    ("12\u523013", False), ("\u8d85\u8fc712", False), ("Antwort: 12", True), ("etwa 12", True),
    ("es sind 12", True), ("nicht 12", False), ("mindestens 12", False), ("12 oder 13", False),
    ("la respuesta es 12", True), ("unos 12", True), ("al menos 12", False), ("12 o 13", False),
    ("environ 12", True), ("au moins 12", False), ("12 ou 13", False), ("\u043e\u0442\u0432\u0435\u0442: 12", True),
    ("\u043d\u0435 12", False), ("\u0627\u0644\u062c\u0648\u0627\u0628: \u0661\u0662", True),
    ("\u7d0412\u500b", True), ("12\uac1c", True),
]  # fmt: skip


@pytest.mark.parametrize(("said", "right"), LANGUAGES)
def test_words_of_other_languages(said: str, right: bool) -> None:
    assert verdict("12", said) is right


@pytest.mark.parametrize("gold", RIGHT)
def test_a_gold_answer_equals_itself(gold: str) -> None:
    assert verdict(gold, gold)


@pytest.mark.parametrize(("gold", "said"), pairs(WRONG))
def test_wrong_or_no_number(gold: str, said: str) -> None:
    assert verdict(gold, said) is False


@pytest.mark.parametrize(
    ("question", "gold", "said", "right"),
    [
        ("What percentage of it is gold?", "50", "50%", True),
        ("What percentage of it is gold?", "50", "50", True),
        ("What percentage of it is gold?", "0.5", "50%", True),
        ("What percentage of it is gold?", "50", "5%", False),
        ("What is the yield in percent?", "0.85", r"85\%", True),
        ("What is the probability?", "0.5", "50%", False),  # only where the gold is one, or the question says so
        ("What is 25% of 200?", "50", "0.5", False),  # a percentage in the data is not asked for
        ("What is the share?", "50", "50%", True),
        ("What is the yield?", "42", "42 per cent", True),
        ("What is the yield?", "0.42", "42%", False),
        ("What is the yield in kg?", "42", "42%", False),
        ("What is the concentration in mol/L?", "12", "12%", False),
        ("How many atoms are there?", "12", "12%", False),
        ("What is the mass in kg?", "12", "12 kg", True),
        ("What is the mass in kg?", "12", "12", True),
        ("What is the mass in kg?", "12", "12 g", False),
        ("What is the mass in kg?", "12", "12 m", False),
        ("How many kilograms of salt are there?", "12", "12 g", False),
        ("How many kilograms of salt are there?", "12", "12 kg of salt", True),
        ("What is the enthalpy (kJ/mol)?", "-5.2", "-5.2 kJ/mol", True),
        ("What is the enthalpy (kJ/mol)?", "-5.2", "-5.2 J/mol", False),
        ("What is its volume in water?", "12", "12 mL", True),
    ],
)
def test_what_the_question_says(question: str, gold: str, said: str, right: bool) -> None:
    assert verdict(gold, said, question) is right


def test_further_right_answers() -> None:
    sample = Sample("Where is it?", "3", kind="number", accepted=("1/3", "12 kg", "7,5"))
    said = {"3": True, r"\frac{1}{3}": True, "12 kg": True, "12 g": False, "7.5": True, "7,5": True, "4": False}
    assert {text: grade(sample, f"\\boxed{{{text}}}").correct for text in said} == said


@pytest.mark.parametrize(
    ("gold", "said", "right"),
    [
        ("3.14", "3.145", True),  # half a unit of the last digit is still within
        ("3.14", "3.1451", False),
        ("3.14", "22/7", True),
        ("8.3", "8.3 at 298 K", True),
        ("12", "12.4", True),
        ("12", "12.5", False),  # a half is not a whole
        ("12", r"12\frac{1}{4}", False),  # what is exact is not rounded
        ("3e8", "299792458", True),
        ("3.00e8", "299792458", True),
        ("2.998e8", "3e8", False),
        ("1/3", "0.333", True),
        ("1/3", "0.33", False),
        ("1/3", "0.334", False),
        ("15/16", "0.938", True),
        ("10^3", "1.00e3", True),
        ("10^3", "1001", False),
        ("\\pi", "3.14", True),
        ("\\pi", "3.1", False),
        ("\\pi", "22/7", False),
        ("0", "0.4", True),
        ("0.0", "0.04", True),
        ("0.0", "0.06", False),
    ],
)
def test_digits(gold: str, said: str, right: bool) -> None:
    assert verdict(gold, said) is right
