//! What the words before a number, and the signs around it, say of it.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::language::is_han;

/// Bytes looked at before a number.
const WINDOW_BYTES: usize = 48;

/// What a number is called by the nearest telling word before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    Phone,
    /// An order, ticket, version: something of ours that must stay.
    Reference,
    Account,
    NationalId,
    Nothing,
}

const PHONE: &[&str] = &[
    "phone",
    "tel",
    "telephone",
    "mobile",
    "cell",
    "call me",
    "call us",
    "whatsapp",
    "viber",
    "sms",
    "reach me",
    "fax",
    "dial",
    "电话",
    "手机",
    "热线",
    "致电",
    "联系方式",
    "телефон",
    "тел",
    "моб",
    "номер телефона",
    "звоните",
    "перезвон",
    "telefon",
    "mobil",
    "hívj",
    "hívás",
    "телефону",
    "հեռախոս",
    "հեռ",
    "զանգ",
    "teléfono",
    "telefono",
    "móvil",
    "llám",
    "llam",
    "handy",
    "rufnummer",
    "anruf",
    "rückruf",
    "téléphone",
    "portable",
    "appel",
    "numéro de tel",
];
const REFERENCE: &[&str] = &[
    "order",
    "ticket",
    "invoice",
    "tracking",
    "case",
    "ref",
    "reference",
    "bug",
    "build",
    "version",
    "serial",
    "model",
    "part",
    "sku",
    "item",
    "article",
    "isbn",
    "parcel",
    "shipment",
    "booking",
    "reservation",
    "confirmation",
    "transaction",
    "error",
    "code",
    "firmware",
    "release",
    "revision",
    "product",
    "request",
    "claim",
    "complaint",
    "订单",
    "单号",
    "编号",
    "工单",
    "型号",
    "版本",
    "流水",
    "заказ",
    "накладн",
    "трек",
    "счет-фактур",
    "обращени",
    "заявк",
    "верси",
    "артикул",
    "rendelés",
    "rendelési",
    "számla",
    "csomag",
    "bejelentés",
    "hibajegy",
    "verzió",
    "cikkszám",
    "պատվեր",
    "հայտ",
    "տարբերակ",
    "pedido",
    "factura",
    "envío",
    "seguimiento",
    "caso",
    "versión",
    "bestell",
    "rechnung",
    "sendung",
    "auftrag",
    "vorgang",
    "artikel",
    "commande",
    "facture",
    "colis",
    "suivi",
    "dossier",
    "numéro de commande",
];
const ACCOUNT: &[&str] = &[
    "account",
    "card",
    "konto",
    "számlaszám",
    "bankszámla",
    "счет",
    "счёт",
    "карт",
    "账号",
    "卡号",
    "银行卡",
    "cuenta",
    "tarjeta",
    "karte",
    "compte",
    "carte",
    "հաշիվ",
    "քարտ",
    "routing",
    "sort code",
    "passport",
    "паспорт",
    "útlevél",
    "护照",
    "անձնագիր",
    "pasaporte",
    "reisepass",
    "passeport",
];
const NATIONAL_ID: &[&str] = &[
    "ssn",
    "social security",
    "tax id",
    "national id",
    "инн",
    "снилс",
    "taj",
    "adóazonosító",
    "adószám",
    "身份证",
    "dni",
    "nie",
    "steuer",
    "sozialversicherung",
    "sécurité sociale",
    "nir",
    "հծհ",
    "սոցիալական",
];

const CURRENCY_SIGNS: &[char] = &['$', '€', '£', '¥', '₽', '₹', '֏', '￥', '฿', '₩', '₴', '₸', '%'];
const CURRENCY_WORDS: &[&str] = &[
    "usd",
    "eur",
    "gbp",
    "huf",
    "ft",
    "rub",
    "amd",
    "cny",
    "rmb",
    "chf",
    "pln",
    "dollar",
    "euro",
    "forint",
    "руб",
    "р.",
    "драм",
    "դրամ",
    "元",
    "块",
    "人民币",
    "pounds",
    "pesos",
    "yuan",
    "jpy",
];

/// The nearest telling word before a number.
pub(super) fn called(text: &str, number_start: usize) -> Called {
    let before = window_before(text, number_start).to_lowercase();
    let before = before.get(last_sentence(&before)..).unwrap_or(&before);
    let telling = telling_words();
    let mut best = (0, Called::Nothing);
    for (at, first) in before.char_indices() {
        for word in telling.get(&first).into_iter().flatten() {
            let end = at + word.text.len();
            if end > best.0 && begins_a_word(before, at, word.text) {
                best = (end, word.called);
            }
        }
    }
    if best.1 == Called::Nothing && before.trim_end().ends_with(['#', '№']) {
        return Called::Reference;
    }
    best.1
}

struct Telling {
    text: &'static str,
    called: Called,
}

/// The telling words by their first character. Of two that end at one place the earlier speaks.
fn telling_words() -> &'static BTreeMap<char, Vec<Telling>> {
    static WORDS: OnceLock<BTreeMap<char, Vec<Telling>>> = OnceLock::new();
    WORDS.get_or_init(|| {
        let mut words: BTreeMap<char, Vec<Telling>> = BTreeMap::new();
        for (texts, called) in [
            (PHONE, Called::Phone),
            (REFERENCE, Called::Reference),
            (ACCOUNT, Called::Account),
            (NATIONAL_ID, Called::NationalId),
        ] {
            for text in texts {
                if let Some(first) = text.chars().next() {
                    words.entry(first).or_default().push(Telling { text, called });
                }
            }
        }
        words
    })
}

/// Where the last sentence begins. A full stop after a few letters ends an abbreviation (`tel. 1`).
fn last_sentence(text: &str) -> usize {
    let ends = ["\n", "! ", "? ", "。", "！", "？"];
    let hard = ends.iter().filter_map(|end| text.rfind(end).map(|at| at + end.len())).max();
    let stop = text.rfind(". ").filter(|&at| {
        let word = text.get(..at).unwrap_or("").chars().rev().take_while(|c| c.is_alphabetic());
        word.count() > 4
    });
    hard.unwrap_or(0).max(stop.map_or(0, |at| at + 2))
}

/// Whether the number is an amount of money or a share.
pub(super) fn is_amount(text: &str, start: usize, end: usize) -> bool {
    let before = window_before(text, start).trim_end();
    if before.ends_with(CURRENCY_SIGNS) {
        return true;
    }
    let lower = before.to_lowercase();
    let code = CURRENCY_WORDS
        .iter()
        .any(|word| lower.ends_with(word) && begins_a_word(&lower, lower.len() - word.len(), word));
    let after = text.get(end..).unwrap_or("").trim_start_matches([' ', '\u{a0}', '.', '-']);
    let after: String = after.chars().take(12).flat_map(char::to_lowercase).collect();
    code || after.starts_with(CURRENCY_SIGNS)
        || CURRENCY_WORDS.iter().any(|word| {
            after.strip_prefix(word).is_some_and(|rest| {
                word.chars().any(is_han) || !rest.starts_with(char::is_alphabetic) || word.len() > 4
            })
        })
}

/// Whether a word of the text that begins with `word` stands at `at`.
fn begins_a_word(text: &str, at: usize, word: &str) -> bool {
    let Some(rest) = text.get(at..).and_then(|rest| rest.strip_prefix(word)) else { return false };
    if word.chars().all(is_han) {
        return true;
    }
    let before = text.get(..at).and_then(|before| before.chars().next_back());
    if before.is_some_and(char::is_alphanumeric) {
        return false;
    }
    // A few letters more make an inflected form, not another word.
    let tail = rest.chars().take_while(|c| c.is_alphabetic()).count();
    tail <= if word.len() < 4 { 1 } else { 8 }
}

fn window_before(text: &str, start: usize) -> &str {
    let mut from = start.saturating_sub(WINDOW_BYTES);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    text.get(from..start).unwrap_or("")
}
