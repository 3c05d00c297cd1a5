//! What those who write a script expect to find: texts and queries, and whether the one is found by the other.

use super::{Corpus, found, request};
use crate::check::same;
use crate::{Case, Outcome};

/// A text, a query, and whether it finds the text.
type Pair = (&'static str, &'static str, bool);

const FOUND: bool = true;
const NOT: bool = false;

/// Accents may be left out, or be written where the text has none.
const LATIN: &[Pair] = &[
    ("À propos du café crème", "cafe creme", FOUND),
    ("À propos du café crème", "CAFÉ", FOUND),
    ("un cafe noir", "café", FOUND),
    ("L’été à Besançon", "l'ete a besancon", FOUND),
    ("L’été à Besançon", "été", FOUND),
    ("El niño de Málaga", "nino malaga", FOUND),
    ("Une œuvre d'art", "oeuvre", FOUND),
    ("Encyclopædia", "encyclopaedia", FOUND),
    ("Zażółć gęślą jaźń w Łodzi", "zazolc gesla jazn lodzi", FOUND),
    ("Rødgrød med fløde", "rodgrod", FOUND),
    ("Người Việt Nam ở Đà Nẵng", "nguoi viet nam da nang", FOUND),
    ("cafe\u{301} decomposed", "café", FOUND),
    ("Þórr og Óðinn", "þorr oðinn", FOUND),
    ("Þórr og Óðinn", "torr", NOT),
    ("un cafe noir", "cafetière", NOT),
];

/// An umlaut is its vowel, not two; ß is ss.
const GERMAN: &[Pair] = &[
    ("Grüße aus München", "grusse munchen", FOUND),
    ("Grüße aus München", "GRÜSSE", FOUND),
    ("Die STRASSE nach Köln", "straße", FOUND),
    ("Die STRASSE nach Köln", "koln", FOUND),
    ("GROẞE FÜẞE", "große füße", FOUND),
    ("schon gut", "schön", FOUND),
    ("Grüße aus München", "muenchen", NOT),
    ("Goethe und Schiller", "göthe", NOT),
    ("Maße in Zentimetern", "mase", NOT),
    ("Donaudampfschifffahrt", "dampf", NOT),
    ("Donaudampfschifffahrt", "donau*", FOUND),
];

/// The four letters i are one.
const TURKISH: &[Pair] = &[
    ("İstanbul'da kış", "istanbul", FOUND),
    ("İstanbul'da kış", "ISTANBUL kis", FOUND),
    ("IŞIK ve ısı", "ışık", FOUND),
    ("IŞIK ve ısı", "isik isi", FOUND),
    ("diyarbakır", "DİYARBAKIR", FOUND),
    ("Çağdaş Türkçe öğreniyorum", "cagdas turkce ogreniyorum", FOUND),
    ("ılık su", "ilik", FOUND),
    ("ılık su", "alık", NOT),
];

/// With and without tonos and breathings, the last sigma as any other.
const GREEK: &[Pair] = &[
    ("Η Ελλάδα και οι Έλληνες", "ελλαδα", FOUND),
    ("Η Ελλάδα και οι Έλληνες", "ΕΛΛΗΝΕΣ", FOUND),
    ("ΟΔΟΣ ΑΘΗΝΑΣ", "οδός Αθηνάς", FOUND),
    ("η οδός", "οδοσ", FOUND),
    ("προϊόν", "προιον", FOUND),
    ("ἐν ἀρχῇ ἦν ὁ λόγος", "εν αρχη ην ο λογος", FOUND),
    ("5 µm και 7 μm", "\"5 μm\"", FOUND),
    ("η οδός", "ωδος", NOT),
    ("νόμος", "νομός", FOUND),
];

/// ё is е, and stress is no letter; but й, ї and ў are letters of their own.
const CYRILLIC: &[Pair] = &[
    ("Ёлка и мёд", "елка", FOUND),
    ("елка в лесу", "ёлка", FOUND),
    ("МОСКВА", "москва", FOUND),
    ("старый за́мок", "замок", FOUND),
    ("воина и мир", "война", NOT),
    ("война и мир", "ВОЙНА", FOUND),
    ("мои\u{306} дом", "мой", FOUND),
    ("їх мати", "іх", NOT),
    ("п’ять яблук", "п'ять", FOUND),
    ("Ќе одиме", "ќе", FOUND),
    ("мыло", "мило", NOT),
    ("Русский язык", "русск*", FOUND),
];

/// Vowel signs and tatweel are nothing, the forms of alef one, as are the yehs and kafs of different keyboards.
const ARABIC: &[Pair] = &[
    ("مُحَمَّدٌ رَسُولُ اللهِ", "محمد رسول", FOUND),
    ("محمد", "مُحَمَّد", FOUND),
    ("أحمد إلى آسيا", "احمد الى اسيا", FOUND),
    ("احمد", "أحمد", FOUND),
    ("ٱلْكِتَاب", "الكتاب", FOUND),
    ("كـــتـــاب", "كتاب", FOUND),
    ("مكتبة المدرسة", "مدرسه OR المدرسه", FOUND),
    ("فى البيت", "في", FOUND),
    ("علي بابا", "على", FOUND),
    ("کتاب فارسی", "كتاب فارسي", FOUND),
    ("عام ٢٠٢٤", "2024", FOUND),
    ("سال ۲۰۲۴", "٢٠٢٤", FOUND),
    ("ﻣﺮﺣﺒﺎ", "مرحبا", FOUND),
    ("محمد", "محمود", NOT),
    ("الكتاب", "كتاب", NOT),
];

/// Niqqud is left out or not; a final letter is written where it belongs.
const HEBREW: &[Pair] = &[
    ("שָׁלוֹם עֲלֵיכֶם", "שלום עליכם", FOUND),
    ("שלום", "שָׁלוֹם", FOUND),
    ("בית־ספר", "בית ספר", FOUND),
    ("צה״ל חז\"ל", "צה\"ל", FOUND),
    ("צה״ל חז\"ל", "חז״ל", FOUND),
    ("שלום", "שלומ", NOT),
    ("ספרים", "ספר*", FOUND),
    ("ספר", "כפר", NOT),
];

/// Nukta, candrabindu and the dot for a nasal are written or not; vowel signs make other words.
const DEVANAGARI: &[Pair] = &[
    ("मैं हिन्दी बोलता हूँ", "हिंदी", FOUND),
    ("हिंदी सीखें", "हिन्दी", FOUND),
    ("मैं हिन्दी बोलता हूँ", "हूं", FOUND),
    ("नई फ़िल्म", "फिल्म", FOUND),
    ("फिल्म", "फ़िल्म", FOUND),
    ("ज़रूर", "जरूर", FOUND),
    ("\u{958}लम", "\u{915}\u{93C}लम", FOUND),
    ("मुंबई", "मुम्बई", FOUND),
    ("क्\u{200D}षमा", "क्षमा", FOUND),
    ("साल २०२४", "2024", FOUND),
    ("अन्न", "अंन", NOT),
    ("मैं हिन्दी बोलता हूँ", "मे", NOT),
    ("दिन", "दीन", NOT),
];

/// No spaces between words; tone marks count.
const THAI: &[Pair] = &[
    ("ฉันกินข้าวแล้ว", "ข้าว", FOUND),
    ("ฉันกินข้าวแล้ว", "กินข้าว", FOUND),
    ("ภาษาไทย", "ภาษา", FOUND),
    ("น้ำดื่ม", "น้ำ", FOUND),
    ("น้\u{E4D}\u{E32}ดื่ม", "น้ำ", FOUND),
    ("ปี ๒๕๖๗", "2567", FOUND),
    ("ข้าว", "ขาว", NOT),
    ("ฉันกินข้าวแล้ว", "ข้าวกิน", NOT),
];

/// No spaces between words; simplified and traditional characters are different ones.
const CHINESE: &[Pair] = &[
    ("人工智能改变世界", "人工智能", FOUND),
    ("人工智能改变世界", "智能", FOUND),
    ("人工智能改变世界", "改变 人工", FOUND),
    ("人工智能改变世界", "智人", NOT),
    ("繁體中文", "繁體", FOUND),
    ("繁體中文", "繁体", NOT),
    ("简体中文", "簡體", NOT),
    ("我用ＡＩ写代码", "ai写代码", FOUND),
    ("第３章", "第3章", FOUND),
    ("⼈类", "人类", FOUND),
    ("你好，世界！", "你好世界", FOUND),
];

/// Full and half width are one; hiragana and katakana are two; a voiced kana is another one.
const JAPANESE: &[Pair] = &[
    ("東京タワーへ行く", "東京", FOUND),
    ("東京タワーへ行く", "ﾀﾜｰ", FOUND),
    ("ｶﾞｰﾃﾞﾝ", "ガーデン", FOUND),
    ("か\u{3099}くせい", "がくせい", FOUND),
    ("Ｊａｖａ入門", "java入門", FOUND),
    ("時々雨", "時々", FOUND),
    ("株式会社㈱", "株", FOUND),
    ("がくせい", "かくせい", NOT),
    ("ひらがな", "ヒラガナ", NOT),
    ("京都と東の国", "東京", NOT),
    ("ビール", "ビル", NOT),
];

/// Particles and spaces do not hide a word; syllables are one character however they are stored.
const KOREAN: &[Pair] = &[
    ("저는 한국어를 배워요", "한국어", FOUND),
    ("저는 한국어를 배워요", "한국어를", FOUND),
    ("\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}", "한국", FOUND),
    ("한국", "\u{1112}\u{1161}\u{11AB}\u{1100}\u{116E}\u{11A8}", FOUND),
    ("인공 지능의 시대", "인공지능", FOUND),
    ("인공지능의 시대", "인공 지능", FOUND),
    ("서울에서 부산까지", "부산 서울", FOUND),
    ("한국", "한굴", NOT),
    ("국한", "한국", NOT),
];

/// Names with signs in them: the signs separate, and a query with them is a phrase.
const NAMES: &[Pair] = &[
    ("programming in C++ today", "C++", FOUND),
    ("the C# language", "c#", FOUND),
    ("the C# language", "C++", FOUND), // signs are no words
    ("calling AT&T now", "AT&T", FOUND),
    ("calling AT&T now", "\"at t\"", FOUND),
    ("look at the letter t", "AT&T", NOT),
    ("I don’t know", "don't", FOUND),
    ("I don't know", "don’t know", FOUND),
    ("I dont know", "don't", NOT),
    ("a well-known e-mail", "\"well known\"", FOUND),
    ("a well known fact", "well-known", FOUND),
    ("an email", "e-mail", NOT),
    ("see google.com/search?q=x", "google.com", FOUND),
    ("see google.com/search?q=x", "google", FOUND),
    ("version 3.14 of node.js", "3.14 node.js", FOUND),
    ("the snake_case_name", "case_name", FOUND),
    ("launch 🚀 day", "\"launch day\"", FOUND),
    ("launch 🚀 day", "🚀 launch", FOUND),
    ("👩🏽‍🚀astronaut", "astronaut", FOUND),
    ("H₂O and x²", "h2o x2", FOUND),
    ("the ﬁnal o\u{AD}nes", "final ones", FOUND),
];

/// Others: case where there is one, vowel signs that make words, no spaces where nobody writes them.
const OTHERS: &[Pair] = &[
    ("ՀԱՅԱՍՏԱՆ", "հայաստան", FOUND),
    ("Երևան", "երեւան", FOUND),
    ("ᲡᲐᲥᲐᲠᲗᲕᲔᲚᲝ", "საქართველო", FOUND),
    ("தமிழ் மொழி", "தமிழ்", FOUND),
    ("தமிழ் மொழி", "தமழ்", NOT),
    ("আমি বাংলায় গান গাই", "বাংলা*", FOUND),
    ("বাড়ি", "বাডি", NOT),
    ("ភាសាខ្មែរ", "ខ្មែរ", FOUND),
    ("မြန်မာစာ", "မြန်မာ", FOUND),
    ("ພາສາລາວ", "ລາວ", FOUND),
    ("አዲስ አበባ", "አበባ", FOUND),
];

/// Stores all texts, and asks each of them for its queries.
async fn verdicts(case: &Case, pairs: &[Pair]) -> Outcome {
    let mut texts: Vec<&str> = Vec::new();
    for (text, ..) in pairs {
        if !texts.contains(text) {
            texts.push(text);
        }
    }
    let corpus = Corpus::of_texts(&texts);
    corpus.store(case.store()).await?;
    for (text, query, expected) in pairs {
        let name = texts.iter().position(|other| other == text).map(|n| format!("v{n}/en"));
        let is_found = found(case.store(), query).await?.iter().any(|hit| Some(hit) == name.as_ref());
        same(&format!("whether {query:?} finds {text:?}"), &is_found, expected)?;
        corpus.agrees(case.store(), &request(query)?).await?;
    }
    Ok(())
}

pub(crate) async fn must_sea_t_001_latin_words_are_found_without_their_accents(case: &Case) -> Outcome {
    verdicts(case, LATIN).await
}

pub(crate) async fn must_sea_t_002_german_words_are_found_by_vowels_and_double_s(case: &Case) -> Outcome {
    verdicts(case, GERMAN).await
}

pub(crate) async fn must_sea_t_003_turkish_words_are_found_whichever_i_they_have(case: &Case) -> Outcome {
    verdicts(case, TURKISH).await
}

pub(crate) async fn must_sea_t_004_greek_words_are_found_without_tonos_and_by_any_sigma(
    case: &Case,
) -> Outcome {
    verdicts(case, GREEK).await
}

pub(crate) async fn must_sea_t_005_cyrillic_letters_are_told_apart_and_io_is_ie(case: &Case) -> Outcome {
    verdicts(case, CYRILLIC).await
}

pub(crate) async fn must_sea_t_006_arabic_words_are_found_in_every_spelling(case: &Case) -> Outcome {
    verdicts(case, ARABIC).await
}

pub(crate) async fn must_sea_t_007_hebrew_words_are_found_without_niqqud(case: &Case) -> Outcome {
    verdicts(case, HEBREW).await
}

pub(crate) async fn must_sea_t_008_hindi_words_are_found_in_every_spelling(case: &Case) -> Outcome {
    verdicts(case, DEVANAGARI).await
}

pub(crate) async fn must_sea_t_009_thai_words_are_found_inside_of_others(case: &Case) -> Outcome {
    verdicts(case, THAI).await
}

pub(crate) async fn must_sea_t_010_chinese_words_are_found_inside_of_others(case: &Case) -> Outcome {
    verdicts(case, CHINESE).await
}

pub(crate) async fn must_sea_t_011_japanese_words_are_found_in_any_width(case: &Case) -> Outcome {
    verdicts(case, JAPANESE).await
}

pub(crate) async fn must_sea_t_012_korean_words_are_found_with_their_particles(case: &Case) -> Outcome {
    verdicts(case, KOREAN).await
}

pub(crate) async fn must_sea_t_013_names_with_signs_are_found_as_phrases(case: &Case) -> Outcome {
    verdicts(case, NAMES).await
}

pub(crate) async fn must_sea_t_014_words_of_further_scripts_are_found(case: &Case) -> Outcome {
    verdicts(case, OTHERS).await
}
