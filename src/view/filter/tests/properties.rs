//! Properties of everything that can be said.

use proptest::prelude::*;

use super::*;
use crate::view::filter::ast::{Expr, Order, Term, Test};
use crate::view::filter::item::{Item, Net};
use crate::view::filter::key::{self, Key, Sort};
use crate::view::filter::text::Pattern;

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9._-]{1,8}",
        "[ -~]{1,12}",
        "\\PC{1,6}".prop_filter("no control characters", |t| !t
            .chars()
            .any(char::is_control)),
        proptest::sample::select(vec![
            "tcp",
            "and",
            "port",
            "not",
            "10.0.0.1",
            "::1",
            "10.0.0.0/8",
            "-",
            "!",
            "~",
            "de",
            "AS15169",
            "15169",
            "1.2.3",
            "a:b",
            "'",
            "\"",
            "\\",
            "or",
            "src",
            "1-2",
        ])
        .prop_map(str::to_owned),
    ]
}

fn any_glob() -> impl Strategy<Value = String> {
    "[a-z0-9.]{1,4}\\*[a-z0-9.]{0,4}"
}

fn any_pattern() -> impl Strategy<Value = Pattern> {
    "[a-z ()\\[\\]|.*\\\\/\"~^$-]{1,8}".prop_filter_map("an expression", |t| Pattern::new(&t).ok())
}

fn any_net() -> impl Strategy<Value = Net> {
    let v4 = (any::<u32>(), 0..=32_u8).prop_map(|(bits, len)| (IpAddr::V4(bits.into()), len));
    let v6 = (any::<u128>(), 0..=128_u8).prop_map(|(bits, len)| (IpAddr::V6(bits.into()), len));
    prop_oneof![v4, v6].prop_map(|(ip, len)| Net::new(ip, len).unwrap())
}

/// A number that values of this sort can be.
fn any_number(sort: Sort) -> BoxedStrategy<u64> {
    match sort {
        Sort::Port => (0..=65_535_u64).boxed(),
        Sort::SystemNumber | Sort::System => (0..=u64::from(u32::MAX)).boxed(),
        // What a time stamp of jiff can hold.
        Sort::Time => (0..=i64::MAX as u64).boxed(),
        _ => prop_oneof![
            any::<u64>(),
            0..2000_u64,
            (0..2000_u64).prop_map(|n| n * 1_000_000)
        ]
        .boxed(),
    }
}

fn any_item(sort: Sort) -> BoxedStrategy<Item> {
    let range = move || {
        (any_number(sort), any_number(sort)).prop_map(move |(a, b)| {
            let (from, to) = (a.min(b), a.max(b));
            let single = matches!(sort, Sort::Time | Sort::System | Sort::SystemNumber);
            Item::Range(from, if single { from } else { to })
        })
    };
    let literal = || any_text().prop_map(Item::Literal);
    let glob = || any_glob().prop_map(Item::Glob);
    let net = || any_net().prop_map(Item::Net);
    let code = || Just(Item::Literal("DE".into()));
    let other = match sort {
        Sort::Protocol => any::<u8>()
            .prop_map(|n| Item::Protocol(Protocol(n)))
            .boxed(),
        Sort::Words(words) => proptest::sample::select(words.list())
            .prop_map(Item::Word)
            .boxed(),
        Sort::Host => prop_oneof![net(), literal(), glob()].boxed(),
        Sort::Net => net().boxed(),
        Sort::Text | Sort::Name => prop_oneof![literal(), glob()].boxed(),
        Sort::Country => prop_oneof![
            code(),
            literal().prop_filter("no code", |item| {
                matches!(item, Item::Literal(text) if text.chars().count() > 2)
            })
        ]
        .boxed(),
        Sort::CountryCode => code().boxed(),
        Sort::System => prop_oneof![range(), literal(), glob()].boxed(),
        _ => range().boxed(),
    };
    prop_oneof![1 => Just(Item::Known), 8 => other].boxed()
}

fn any_term() -> impl Strategy<Value = Expr> {
    let keys: Vec<Key> = key::names()
        .filter_map(|(name, _)| key::find(name))
        .collect();
    let orders = [Order::Less, Order::AtMost, Order::More, Order::AtLeast];
    proptest::sample::select(keys).prop_flat_map(move |key| {
        let sort = key.sort;
        let items = || proptest::collection::vec(any_item(sort), 1..4);
        let is_ordered = sort.has_order();
        let mut tests = vec![
            items().prop_map(Test::In).boxed(),
            any_pattern().prop_map(Test::Like).boxed(),
        ];
        if sort.has_parts() {
            tests.push(items().prop_map(Test::Is).boxed());
        }
        if is_ordered {
            let order = proptest::sample::select(orders.to_vec());
            let compare = (order, any_number(sort));
            tests.push(compare.prop_map(|(o, n)| Test::Compare(o, n)).boxed());
        }
        proptest::strategy::Union::new(tests).prop_map(move |test| {
            Expr::Term(Term {
                key: key.clone(),
                test,
            })
        })
    })
}

fn any_saved() -> impl Strategy<Value = Expr> {
    let names = proptest::sample::select(vec!["web", "half-open", "both"]);
    names.prop_map(|name| Expr::Saved(saved().find(name).unwrap().clone()))
}

fn any_expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        4 => any_term(),
        2 => any_text().prop_map(|text| Expr::Text(Item::Literal(text))),
        1 => "[a-z.]{1,3}\\*[a-z.]{0,3}".prop_map(|text| Expr::Text(Item::Glob(text))),
        1 => any_pattern().prop_map(Expr::Like),
        1 => any_saved(),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        let parts = || proptest::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            parts().prop_map(Expr::all),
            parts().prop_map(Expr::any),
            inner.clone().prop_map(Expr::not),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(expr in any_expr()) {
        let text = expr.to_string();
        if text.len() <= 4096 {
            let again = parser::parse(&text, &saved());
            prop_assert_eq!(again.as_ref().map_err(|f| (&text, f)), Ok(&expr), "{}", text);
        }
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC{0,40}", cursor in 0..50_usize) {
        if let Err(error) = Filter::parse(&text) {
            prop_assert!(text.get(error.span()).is_some());
            prop_assert!(!error.to_string().is_empty());
        }
        suggest(&text, cursor, &saved());
    }

    #[test]
    fn no_mixture_of_words_and_signs_is_too_strange(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "tcp", "port", "port:", "80", ",", "-", "(", ")", "!", "and", "or", "not", " ", " ",
            "src", "dst", "net", "10", "/8", "\"", "~", "/", ":", "=", ">", "rate", "1M", "age",
            "host", "10.0.0.1", "*", "é", "proto", "mask", "255.0.0.0", "&&", "||", "\\", "'",
            "state:", "est", "start:", "2026-11-21", "::", "[", "]", "@", "@web",
        ]), 0..14),
    ) {
        let text = parts.concat();
        let parse = |text: &str| Filter::parse_with(text, &saved());
        match parse(&text) {
            Ok(filter) => {
                let canonical = filter.to_string();
                prop_assert_eq!(parse(&canonical), Ok(filter.clone()), "{}", canonical);
                let flow = plain();
                filter.matches(&record(&flow));
            }
            Err(error) => {
                prop_assert!(text.get(error.span()).is_some());
                let _ = error.to_string();
            }
        }
    }

    #[test]
    fn order_of_evaluation_changes_nothing(
        parts in proptest::collection::vec(any_term(), 2..4),
    ) {
        let flow = plain();
        let holds = |expr: Expr| Filter::from(expr).matches(&record(&flow));
        let each: Vec<bool> = parts.iter().map(|part| holds(part.clone())).collect();
        prop_assert_eq!(holds(Expr::all(parts.clone())), each.iter().all(|h| *h));
        prop_assert_eq!(holds(Expr::any(parts.clone())), each.iter().any(|h| *h));
        prop_assert_eq!(holds(Expr::not(parts[0].clone())), !each[0]);
    }
}
