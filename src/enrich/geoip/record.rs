//! One decoder for the records of every database layout.
//!
//! A typed record per vendor gives silent blanks or errors on the others'
//! files. This one takes whatever it knows from whatever is there, borrows from
//! the database and never allocates:
//!
//! | layout | country | city | network |
//! |---|---|---|---|
//! | MaxMind, DB-IP | `country.iso_code`, `registered_country.iso_code` | `city.names.en` | `autonomous_system_number`, `autonomous_system_organization`, also below `traits` |
//! | ip-location-db | `country_code` | `city` (text) | as MaxMind |
//! | IPinfo Lite | `country_code`, `country` (a name) | `city` (text) | `asn` (`"AS64500"`), `as_name` |
//! | IPinfo ASN | - | - | `asn`, `name` |
//! | IPinfo, older | `country` (a code), `country_name` | - | `asn`, `as_name` |
//!
//! A field of an unexpected type counts as absent. An error is only a structure
//! that cannot be read, or a code or name inside a map that is no text.
//!
//! A record is decoded once per host, in 60 to 400 ns: maps are entered only
//! for what is missing, and with their type said beforehand, because the
//! reader's bookkeeping for maps of unknown type costs more than the rest.

use std::fmt;
use std::num::NonZeroU32;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::country::CountryCode;

/// What one record says, whatever its layout; borrowed from the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// The country the network is said to be in.
    pub(crate) country: Option<CountryCode>,
    /// The city, in English where there is a choice.
    pub(crate) city: Option<&'a str>,
    /// The autonomous system that announces the network.
    pub(crate) asn: Option<NonZeroU32>,
    /// The name of the organisation behind `asn`.
    pub(crate) as_org: Option<&'a str>,
}

impl Record<'_> {
    /// Whether it says anything that flowtop shows.
    pub(crate) fn is_useful(&self) -> bool {
        self.country.is_some() || self.city.is_some() || self.asn.is_some()
    }
}

/// The keys that some layout uses, in any of its maps.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    CountryCode,
    Country,
    RegisteredCountry,
    City,
    Asn,
    AsOrg,
    Name,
    Traits,
    IsoCode,
    Names,
    English,
    Other,
}

impl Key {
    fn of(name: &[u8]) -> Self {
        match name {
            b"country_code" => Self::CountryCode,
            b"country" => Self::Country,
            b"registered_country" => Self::RegisteredCountry,
            b"city" => Self::City,
            b"autonomous_system_number" | b"asn" => Self::Asn,
            b"autonomous_system_organization" | b"as_name" => Self::AsOrg,
            b"name" => Self::Name,
            b"traits" => Self::Traits,
            b"iso_code" | b"code" => Self::IsoCode,
            b"names" => Self::Names,
            b"en" => Self::English,
            _ => Self::Other,
        }
    }
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a field")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(Key::of(name.as_bytes()))
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Key, E> {
                Ok(Key::of(name))
            }
        }
        deserializer.deserialize_identifier(KeyVisitor)
    }
}

/// A field as it may come: text or a number. Of a map one text is taken, as its
/// [`FieldSeed`] says.
#[derive(Clone, Copy, Default)]
struct Field<'a> {
    text: Option<&'a str>,
    number: Option<u32>,
}

impl<'a> Field<'a> {
    fn of_text(text: &'a str) -> Self {
        // Some databases write an empty string or a dash for "unknown".
        let text = text.trim();
        Self {
            text: (!text.is_empty() && text != "-").then_some(text),
            ..Self::default()
        }
    }

    fn of_number(number: u64) -> Self {
        Self {
            number: u32::try_from(number).ok(),
            ..Self::default()
        }
    }

    /// An AS number: a number, or text with or without the prefix `AS`.
    fn asn(self) -> Option<NonZeroU32> {
        let from_text = || {
            let text = self.text?;
            let digits = match text.get(..2) {
                Some(prefix) if prefix.eq_ignore_ascii_case("as") => text.get(2..)?,
                _ => text,
            };
            digits.parse().ok()
        };
        self.number.or_else(from_text).and_then(NonZeroU32::new)
    }

    /// A country: a text that is a code. A text that is a name ("Australia") is
    /// none: such layouts have a code beside it.
    fn country(self) -> Option<CountryCode> {
        self.text.and_then(CountryCode::parse)
    }
}

/// Reads a [`Field`] of any type. What is taken from a map depends on the
/// field; no map is entered twice, so that a corrupt file cannot nest them until
/// the stack is full.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldSeed {
    /// Of a map, nothing.
    Plain,
    /// Of a map, the code; the name comes from our own table.
    Country,
    /// Of a map, the English name.
    City,
}

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Field<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Field<'de>, E> {
        Ok(Field::of_text(text))
    }

    fn visit_u16<E>(self, number: u16) -> Result<Field<'de>, E> {
        Ok(Field::of_number(number.into()))
    }

    fn visit_u32<E>(self, number: u32) -> Result<Field<'de>, E> {
        Ok(Field::of_number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field<'de>, E> {
        Ok(Field::of_number(number))
    }

    fn visit_i32<E>(self, number: i32) -> Result<Field<'de>, E> {
        Ok(u64::try_from(number).map_or_else(|_| Field::default(), Field::of_number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field<'de>, A::Error> {
        let mut field = Field::default();
        while let Some(key) = map.next_key::<Key>()? {
            match (self, key) {
                (Self::Country, Key::IsoCode) => field = Field::of_text(map.next_value()?),
                (Self::City, Key::Names) => field = map.next_value_seed(NamesSeed)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(field)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::default())
    }

    // The other types of the format: never where a field is looked for.

    fn visit_bool<E>(self, _: bool) -> Result<Field<'de>, E> {
        Ok(Field::default())
    }

    fn visit_f32<E>(self, _: f32) -> Result<Field<'de>, E> {
        Ok(Field::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Field<'de>, E> {
        Ok(Field::default())
    }

    fn visit_u128<E>(self, _: u128) -> Result<Field<'de>, E> {
        Ok(Field::default())
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Field<'de>, E> {
        Ok(Field::default())
    }
}

/// Reads a map of languages to names: the English name, or the first if there
/// is none.
struct NamesSeed;

impl<'de> DeserializeSeed<'de> for NamesSeed {
    type Value = Field<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for NamesSeed {
    type Value = Field<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of languages to names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field<'de>, A::Error> {
        let mut name = None;
        while let Some(key) = map.next_key::<Key>()? {
            if key == Key::English || name.is_none() {
                name = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(name.map_or_else(Field::default, Field::of_text))
    }
}

/// The fields of a record before their precedence is settled.
#[derive(Default)]
struct Parts<'a> {
    country_code: Field<'a>,
    country: Field<'a>,
    registered_country: Field<'a>,
    city: Field<'a>,
    asn: Field<'a>,
    as_org: Field<'a>,
    name: Field<'a>,
}

impl<'a> Parts<'a> {
    fn country(&self) -> Option<CountryCode> {
        self.country_code
            .country()
            .or_else(|| self.country.country())
    }

    /// Reads the fields, to the end or until `enough`.
    fn read<A: MapAccess<'a>>(
        &mut self,
        mut map: A,
        enough: impl Fn(&Self) -> bool,
    ) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Key>()? {
            let (part, seed) = match key {
                Key::CountryCode => (&mut self.country_code, FieldSeed::Plain),
                Key::Country => (&mut self.country, FieldSeed::Country),
                Key::RegisteredCountry if self.country().is_none() => {
                    (&mut self.registered_country, FieldSeed::Country)
                }
                Key::City => (&mut self.city, FieldSeed::City),
                Key::Asn => (&mut self.asn, FieldSeed::Plain),
                Key::AsOrg => (&mut self.as_org, FieldSeed::Plain),
                Key::Name => (&mut self.name, FieldSeed::Plain),
                Key::Traits => {
                    map.next_value_seed(TraitsSeed(self))?;
                    continue;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *part = map.next_value_seed(seed)?;
            if enough(self) {
                break;
            }
        }
        Ok(())
    }

    fn settle(self) -> Record<'a> {
        let asn = self.asn.asn();
        Record {
            country: self.country().or_else(|| self.registered_country.country()),
            city: self.city.text,
            asn,
            // `name` is an organisation only in databases of AS numbers.
            as_org: asn.and_then(|_| self.as_org.text.or(self.name.text)),
        }
    }
}

/// Reads the map `traits` of MaxMind's paid databases into the parts.
struct TraitsSeed<'p, 'a>(&'p mut Parts<'a>);

impl<'de> DeserializeSeed<'de> for TraitsSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for TraitsSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of traits")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Key>()? {
            let part = match key {
                Key::Asn => &mut self.0.asn,
                Key::AsOrg => &mut self.0.as_org,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *part = map.next_value_seed(FieldSeed::Plain)?;
        }
        Ok(())
    }
}

/// Reads a record; `PLACE_ONLY` stops once country and city are known.
struct RecordVisitor<const PLACE_ONLY: bool>;

impl<'de, const PLACE_ONLY: bool> Visitor<'de> for RecordVisitor<PLACE_ONLY> {
    type Value = Record<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record of a GeoIP database")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Record<'de>, A::Error> {
        let mut parts = Parts::default();
        parts.read(map, |parts| {
            PLACE_ONLY && parts.city.text.is_some() && parts.country().is_some()
        })?;
        Ok(parts.settle())
    }
}

impl<'de> Deserialize<'de> for Record<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor::<false>)
    }
}

/// A record of a database that knows no networks. City databases are large and
/// most of a record comes after the city and country; that need not be read.
pub(crate) struct PlaceOnly<'a>(pub(crate) Record<'a>);

impl<'de> Deserialize<'de> for PlaceOnly<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let record = deserializer.deserialize_map(RecordVisitor::<true>)?;
        Ok(Self(record))
    }
}
