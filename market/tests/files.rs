//! Files as people have them: each kind is written from known bars, and read back to the last bit or refused.

use std::io::Write;
use std::sync::Arc;

use chrono::NaiveDate;
use impresario_api::{Bar, Timestamp};
use impresario_market::Timeframe;
use impresario_market::dialect::{Dialect, Dialects, Field};
use impresario_market::error::ImportError;
use impresario_market::rows::{BarReader, FileFacts, ReadOptions, Row};

/// What is asked of a file.
#[derive(Clone, Default)]
struct Asked {
    timeframe: &'static str,
    symbol: &'static str,
    dialect: &'static str,
    columns: &'static [(Field, &'static str)],
    zone: Option<&'static str>,
    format: Option<&'static str>,
    accept: &'static [&'static str],
}

const DAILY: Asked = Asked {
    timeframe: "1d",
    symbol: "TEST",
    dialect: "auto",
    columns: &[],
    zone: None,
    format: None,
    accept: &[],
};
const HOURLY: Asked = Asked {
    timeframe: "1h",
    ..DAILY
};
const MINUTES: Asked = Asked {
    timeframe: "1m",
    ..DAILY
};

fn read(bytes: &[u8], asked: &Asked) -> Result<(Vec<Bar>, FileFacts), ImportError> {
    let mut file = tempfile::tempfile().expect("a temporary file");
    file.write_all(bytes).expect("it is written");
    let mut dialect = Dialect {
        columns: asked
            .columns
            .iter()
            .map(|(field, name)| (*field, (*name).to_owned()))
            .collect(),
        time_zone: asked.zone.map(str::to_owned),
        time_format: asked.format.map(str::to_owned),
        ..Dialect::default()
    };
    let mut dialects = Dialects::shipped().expect("they are whole");
    let known = dialects.get(asked.dialect).expect("it is whole");
    dialect = dialect.or(&known.expect("a dialect"));
    let options = ReadOptions {
        symbol: asked.symbol.to_owned(),
        timeframe: Timeframe::parse(asked.timeframe).expect("a timeframe"),
        dialect_name: asked.dialect.to_owned(),
        dialect,
        skip_bad_rows: false,
        leave_out_uncertain_end: false,
        accept_doubts: asked.accept.iter().map(|code| (*code).to_owned()).collect(),
        kept: None,
        today: NaiveDate::from_ymd_opt(2026, 6, 30).expect("a date"),
    };
    let mut reader = BarReader::open(Arc::new(file), "a.csv", &options)?;
    let mut bars = Vec::new();
    while let Some(row) = reader.read()? {
        if let Row::Bar(bar, _) = row {
            bars.push(bar);
        }
    }
    bars.sort_by_key(|bar| bar.timestamp);
    Ok((bars, reader.finish(&[], 0)?))
}

/// Bars with prices of four decimals, `length` milliseconds apart.
fn bars(start: &str, length: i64, count: i64) -> Vec<Bar> {
    let start: Timestamp = start.parse().expect("a time");
    let bar = |number: i64| {
        let wave = ((number * 7919) % 1_000) as f64 / 10_000.0;
        Bar {
            timestamp: Timestamp::from_millis(start.as_millis() + number * length),
            open: 100.1234 + wave,
            high: 101.9876 + wave,
            low: 99.0123 + wave,
            close: 100.5678 + wave,
            volume: 7_000_000.25 + number as f64,
        }
    };
    (0..count).map(bar).map(rounded).collect()
}

/// The prices as they come back from four decimals.
fn rounded(bar: Bar) -> Bar {
    let four = |price: f64| format!("{price:.4}").parse().expect("a number");
    Bar {
        open: four(bar.open),
        high: four(bar.high),
        low: four(bar.low),
        close: four(bar.close),
        ..bar
    }
}

fn days() -> Vec<Bar> {
    bars("2021-01-04T00:00:00Z", 86_400_000, 40)
}

fn hours() -> Vec<Bar> {
    bars("2021-06-01T00:00:00Z", 3_600_000, 60)
}

fn minutes() -> Vec<Bar> {
    bars("2021-02-01T10:00:00Z", 60_000, 60)
}

/// A time as `format` of strftime says.
fn time(bar: &Bar, format: &str) -> String {
    let utc = chrono::DateTime::from_timestamp_millis(bar.timestamp.as_millis());
    utc.expect("a time").format(format).to_string()
}

fn rows(bars: &[Bar], row: impl Fn(&Bar) -> String) -> String {
    bars.iter().map(|bar| row(bar) + "\n").collect()
}

fn plain(bar: &Bar, format: &str) -> String {
    let Bar {
        open,
        high,
        low,
        close,
        volume,
        ..
    } = bar;
    format!("{},{open},{high},{low},{close},{volume}", time(bar, format))
}

/// A text is read as these bars, with these warnings and no others.
#[track_caller]
fn is_read(text: &str, asked: &Asked, wanted: &[Bar], warnings: &[&str]) {
    let (bars, facts) = read(text.as_bytes(), asked)
        .unwrap_or_else(|error| panic!("{error}: {}", &text[..text.len().min(200)]));
    assert_eq!(bars, wanted, "{:?}", facts.read_as);
    let codes: Vec<_> = facts.warnings.iter().map(|one| &*one.code).collect();
    assert_eq!(codes, warnings, "{:?}", facts.warnings);
}

#[track_caller]
fn is_refused(text: &str, asked: &Asked, code: &str, words: &[&str]) {
    let error = read(text.as_bytes(), asked)
        .map(|(bars, facts)| (bars.first().copied(), facts))
        .expect_err(text);
    let message = error.to_string();
    assert_eq!(error.code(), code, "{message}");
    for word in words {
        assert!(
            message.contains(word),
            "\"{word}\" is missing in: {message}"
        );
    }
}

#[test]
fn headers_of_many_makers_are_understood() {
    let bars = days();
    let of = |header: &str, row: &dyn Fn(&Bar) -> String| format!("{header}\n{}", rows(&bars, row));
    let iso = |bar: &Bar| time(bar, "%Y-%m-%d");
    for text in [
        of("Date,Open,High,Low,Close,Adj Close,Volume", &|b| {
            format!(
                "{},{},{},{},{},1.5,{}",
                iso(b),
                b.open,
                b.high,
                b.low,
                b.close,
                b.volume
            )
        }),
        of("Date,Open,High,Low,Close*,Adj Close**,Volume", &|b| {
            format!(
                "{},{},{},{},{},1.5,{}",
                iso(b),
                b.open,
                b.high,
                b.low,
                b.close,
                b.volume
            )
        }),
        of(
            "\"timestamp\",\"1. open\",\"2. high\",\"3. low\",\"4. close\",\"5. volume\"",
            &|b| plain(b, "%Y-%m-%d"),
        ),
        of(
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>",
            &|b| {
                format!(
                    "TEST,D,{},000000,{},{},{},{},{}",
                    time(b, "%Y%m%d"),
                    b.open,
                    b.high,
                    b.low,
                    b.close,
                    b.volume
                )
            },
        ),
        of(
            "Price,Close,High,Low,Open,Volume\nTicker,TEST,TEST,TEST,TEST,TEST\nDate,,,,,",
            &|b| {
                format!(
                    "{},{},{},{},{},{}",
                    iso(b),
                    b.close,
                    b.high,
                    b.low,
                    b.open,
                    b.volume
                )
            },
        ),
        of(
            "Ticker,TEST,TEST,TEST,TEST,TEST\nPrice,Open,High,Low,Close,Volume\nDate,,,,,",
            &|b| plain(b, "%Y-%m-%d"),
        ),
        of(
            "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\nTicker,OTHER,TEST,OTHER,TEST,OTHER,TEST,OTHER,TEST,OTHER,TEST\nDate,,,,,,,,,,",
            &|b| {
                format!(
                    "{},1,{},1,{},1,{},1,{},1,{}",
                    iso(b),
                    b.close,
                    b.high,
                    b.low,
                    b.open,
                    b.volume
                )
            },
        ),
        of("v,vw,o,c,h,l,t,n", &|b| {
            format!(
                "{},1,{},{},{},{},{},9",
                b.volume,
                b.open,
                b.close,
                b.high,
                b.low,
                b.timestamp.as_millis()
            )
        }),
        of(",Open,High,Low,Close,Volume", &|b| plain(b, "%Y-%m-%d")),
        of(
            "Exported by us on 2021-07-01\n\nDate,Open,High,Low,Close,Volume",
            &|b| plain(b, "%Y-%m-%d"),
        ),
        of(
            "# source: somebody\nDate,Open,High,Low,Close,Volume",
            &|b| plain(b, "%Y-%m-%d"),
        ),
        of("\"Open\",\"High\",\"Low\",\"Close\",\"Volume\"", &|b| {
            format!(
                "\"{}\",{},{},{},{},{}",
                iso(b),
                b.open,
                b.high,
                b.low,
                b.close,
                b.volume
            )
        }),
        of("Date,Open,High,Low,Close,Volume,", &|b| {
            plain(b, "%Y-%m-%d") + ","
        }),
        of("date,open,high,low,close,volume,change", &|b| {
            plain(b, "%Y-%m-%d") + ",0.1%"
        }),
        of("Date\tOpen\tHigh\tLow\tClose\tVolume", &|b| {
            plain(b, "%Y-%m-%d").replace(',', "\t")
        }),
        of("Date|Open|High|Low|Close|Volume", &|b| {
            plain(b, "%Y-%m-%d").replace(',', "|")
        }),
        of("Date   Open  High  Low  Close  Volume", &|b| {
            plain(b, "%Y-%m-%d").replace(',', "   ")
        }),
        of("sep=;\nDate;Open;High;Low;Close;Volume", &|b| {
            plain(b, "%Y-%m-%d").replace(',', ";")
        }),
        of("Datum;Eröffnung;Hoch;Tief;Schluss;Volumen", &|b| {
            plain(b, "%d.%m.%Y")
                .replace(',', ";")
                .replacen('.', "!", 2)
                .replace('.', ",")
                .replace('!', ".")
        }),
        of("Date,Close/Last,Volume,Open,High,Low", &|b| {
            format!(
                "{},${},{},${},${},${}",
                time(b, "%m/%d/%Y"),
                b.close,
                b.volume,
                b.open,
                b.high,
                b.low
            )
        }),
        of(
            "\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\",\"Change %\"",
            &|b| {
                format!(
                    "\"{}\",\"{}\",\"{}\",\"{}\",\"{}\",\"{}\",\"0.5%\"",
                    time(b, "%b %d, %Y"),
                    b.close,
                    b.open,
                    b.high,
                    b.low,
                    b.volume
                )
            },
        ),
    ] {
        is_read(&text, &DAILY, &bars, &[]);
        let newest_first = |text: &str| {
            let lines: Vec<_> = text.lines().collect();
            let (header, body) = lines.split_at(lines.len() - bars.len());
            let body = body.iter().rev().copied().collect::<Vec<_>>();
            [header, &body].concat().join("\r\n") + "\r\n"
        };
        is_read(&newest_first(&text), &DAILY, &bars, &[]);
    }
}

#[test]
fn rows_without_a_header_are_understood_from_their_values() {
    let epochs = |b: &Bar| b.timestamp.as_millis() / 1_000;
    let hours = hours();
    for text in [
        rows(&hours, |b| {
            format!(
                "{},{},{},{},{},{},17",
                epochs(b),
                b.open,
                b.high,
                b.low,
                b.close,
                b.volume
            )
        }),
        rows(&hours, |b| {
            format!(
                "{},{},{},{},{},{},{},1.0,12,0.5,0.5,0",
                epochs(b) * 1_000,
                b.open,
                b.high,
                b.low,
                b.close,
                b.volume,
                epochs(b) * 1_000 + 3_599_999
            )
        }),
        rows(&hours, |b| {
            format!(
                "{},{},{},{},{},{}",
                epochs(b),
                b.low,
                b.high,
                b.open,
                b.close,
                b.volume
            )
        }),
        rows(&hours, |b| {
            format!(
                "TEST,{},{},{},{},{},{}",
                epochs(b),
                b.open,
                b.high,
                b.low,
                b.close,
                b.volume
            )
        }),
    ] {
        is_read(&text, &HOURLY, &hours, &[]);
    }
    let counted: String = hours
        .iter()
        .enumerate()
        .map(|(row, b)| {
            format!(
                "{row},{},{},{},{},{},{}\n",
                epochs(b),
                b.open,
                b.high,
                b.low,
                b.close,
                b.volume
            )
        })
        .collect();
    is_read(&counted, &HOURLY, &hours, &[]);
    let minutes = minutes();
    is_read(
        &rows(&minutes, |b| plain(b, "%Y.%m.%d,%H:%M")),
        &MINUTES,
        &minutes,
        &["ZONE_ASSUMED"],
    );
    is_read(
        &rows(&minutes, |b| plain(b, "%Y%m%d %H%M%S").replace(',', ";")),
        &MINUTES,
        &minutes,
        &["ZONE_ASSUMED"],
    );
    // The volume first: four columns of numbers are no prices.
    let gate = rows(&hours, |b| {
        format!(
            "{},{},{},{},{},{}",
            epochs(b),
            b.volume,
            b.close,
            b.high,
            b.low,
            b.open
        )
    });
    is_refused(
        &gate,
        &HOURLY,
        "DATA_DOUBTFUL",
        &["COLUMNS_UNCERTAIN", "say columns"],
    );
    let said = Asked {
        columns: &[
            (Field::Timestamp, "column 1"),
            (Field::Open, "column 6"),
            (Field::High, "column 4"),
            (Field::Low, "column 5"),
            (Field::Close, "column 3"),
            (Field::Volume, "column 2"),
        ],
        ..HOURLY
    };
    is_read(&gate, &said, &hours, &[]);
}

#[test]
fn volumes_are_those_of_what_was_traded() {
    let hours = hours();
    let of =
        |header: &str, row: &dyn Fn(&Bar) -> String| format!("{header}\n{}", rows(&hours, row));
    let epochs = |b: &Bar| b.timestamp.as_millis();
    let exported = of(
        "https://example.com\nUnix,Date,Symbol,Open,High,Low,Close,Volume USDT,Volume TEST,tradecount",
        &|b| {
            format!(
                "{},{},TEST/USDT,{},{},{},{},1.0,{},9",
                epochs(b),
                time(b, "%Y-%m-%d %H:%M:%S"),
                b.open,
                b.high,
                b.low,
                b.close,
                b.volume
            )
        },
    );
    is_read(
        &exported,
        &Asked {
            symbol: "TESTUSDT",
            ..HOURLY
        },
        &hours,
        &[],
    );
    is_read(&exported, &HOURLY, &hours, &["SYMBOL_DIFFERS"]);
    let header = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>";
    let tick = of(header, &|b| {
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t0\t2",
            time(b, "%Y.%m.%d\t%H:%M:%S"),
            b.open,
            b.high,
            b.low,
            b.close,
            b.volume
        )
    });
    is_read(&tick, &HOURLY, &hours, &["TICK_VOLUME", "ZONE_ASSUMED"]);
    let real = of(header, &|b| {
        format!(
            "{}\t{}\t{}\t{}\t{}\t9\t{}\t2",
            time(b, "%Y.%m.%d\t%H:%M:%S"),
            b.open,
            b.high,
            b.low,
            b.close,
            b.volume
        )
    });
    is_read(&real, &HOURLY, &hours, &["ZONE_ASSUMED"]);
    let none: Vec<_> = hours
        .iter()
        .map(|bar| Bar {
            volume: 0.0,
            ..*bar
        })
        .collect();
    is_read(
        &of("time,open,high,low,close", &|b| {
            format!("{},{},{},{},{}", epochs(b), b.open, b.high, b.low, b.close)
        }),
        &HOURLY,
        &none,
        &["VOLUME_MISSING"],
    );
    is_read(
        &of("time,open,high,low,close,volume", &|b| {
            format!("{},{},{},{},{},", epochs(b), b.open, b.high, b.low, b.close)
        }),
        &HOURLY,
        &none,
        &["VOLUME_MISSING"],
    );
}

#[test]
fn a_column_of_symbols_chooses_the_rows_of_one() {
    let days = days();
    let header = "ticker,date,open,high,low,close,volume\n";
    let of = |symbol: &'static str| {
        rows(&days, move |bar| {
            format!("{symbol},{}", plain(bar, "%Y-%m-%d"))
        })
    };
    let both = format!(
        "{header}{}{}",
        of("A").replace("100.", "200.").replace("101.", "201."),
        of("TEST")
    );
    is_read(&both, &DAILY, &days, &[]);
    is_read(
        &format!("{header}{}", of("TEST.US")),
        &DAILY,
        &days,
        &["SYMBOL_DIFFERS"],
    );
    is_read(
        &format!("{header}{}", of("test")),
        &DAILY,
        &days,
        &["SYMBOL_DIFFERS"],
    );
    is_refused(
        &format!("{header}{}{}", of("A"), of("B")),
        &DAILY,
        "SYMBOL_NOT_FOUND",
        &["TEST", "A, B"],
    );
}

#[test]
fn what_is_said_has_to_fit_the_file() {
    let days = days();
    let text = format!(
        "Datum;Kurs;Hoch;Tief;Erster\n{}",
        rows(&days, |b| format!(
            "{};{};{};{};{}",
            time(b, "%d.%m.%Y"),
            b.close,
            b.high,
            b.low,
            b.open
        ))
    );
    let none: Vec<_> = days
        .iter()
        .map(|bar| Bar {
            volume: 0.0,
            ..*bar
        })
        .collect();
    let said = Asked {
        columns: &[(Field::Close, "Kurs"), (Field::Open, "Erster")],
        ..DAILY
    };
    is_read(&text, &said, &none, &["VOLUME_MISSING"]);
    let wrong = Asked {
        columns: &[(Field::Close, "Kurz")],
        ..DAILY
    };
    is_refused(
        &text,
        &wrong,
        "OPTION_DOES_NOT_FIT",
        &["columns.close", "Kurs", "\"Kurz\""],
    );
    let format = Asked {
        format: Some("%m/%d/%Y"),
        ..said.clone()
    };
    is_refused(&text, &format, "OPTION_DOES_NOT_FIT", &["time_format"]);
    let zone = Asked {
        zone: Some("Mars/Olympus"),
        ..said
    };
    is_refused(&text, &zone, "OPTION_DOES_NOT_FIT", &["time_zone"]);
}

#[test]
fn dialects_know_what_cannot_be_found() {
    let minutes = bars("2021-02-01T15:00:00Z", 60_000, 60);
    let eastern = |bar: &Bar| Bar {
        timestamp: Timestamp::from_millis(bar.timestamp.as_millis() - 5 * 3_600_000),
        ..*bar
    };
    let text = rows(&minutes, |bar| {
        plain(&eastern(bar), "%Y%m%d %H%M%S").replace(',', ";")
    });
    is_read(
        &text,
        &Asked {
            dialect: "histdata",
            ..MINUTES
        },
        &minutes,
        &[],
    );
    let days = days();
    let whole = |price: f64| (price * 10_000.0).round() as i64;
    let lean = rows(&days, |b| {
        format!(
            "{},{},{},{},{},{}",
            time(b, "%Y%m%d %H:%M"),
            whole(b.open),
            whole(b.high),
            whole(b.low),
            whole(b.close),
            b.volume
        )
    });
    is_read(
        &lean,
        &Asked {
            dialect: "lean",
            ..DAILY
        },
        &days,
        &[],
    );
}

#[test]
fn what_is_no_file_of_bars_is_refused() {
    let ticks = rows(&minutes(), |b| {
        format!("{},{},{}", time(b, "%Y-%m-%d %H:%M:%S"), b.close, b.volume)
    });
    is_refused(&ticks, &MINUTES, "NO_HEADER", &["expected a header"]);
    is_refused(
        &format!("time,price,size\n{ticks}"),
        &MINUTES,
        "NO_HEADER",
        &["time,price,size"],
    );
    is_refused(
        "date,value\n2021-01-04,1\n2021-01-05,2\n",
        &DAILY,
        "NO_HEADER",
        &["expected a header"],
    );
    is_refused(
        "<!DOCTYPE html><html><body>Too many requests</body></html>",
        &DAILY,
        "NOT_BARS",
        &["Too many requests"],
    );
    is_refused(
        "{\"error\": \"invalid key\"}",
        &DAILY,
        "NOT_BARS",
        &["invalid key"],
    );
    let comma = rows(&days()[..20], |b| {
        format!(
            "{};\"{}\";\"{}\";\"{}\";\"{}\";5",
            time(b, "%Y-%m-%d"),
            "1,234",
            "1,345",
            "1,123",
            "1,200"
        )
    });
    is_refused(
        &format!("Date;Open;High;Low;Close;Volume\n{comma}"),
        &DAILY,
        "DATA_DOUBTFUL",
        &["DECIMAL_AMBIGUOUS", "say decimal"],
    );
}

/// Bars that open where the one before closed.
fn continuous() -> Vec<Bar> {
    let mut bars = hours();
    for at in 1..bars.len() {
        bars[at].open = bars[at - 1].close;
        bars[at].close = 100.0 + ((at * 37) % 50) as f64 / 100.0;
    }
    bars
}

#[test]
fn an_unusual_order_of_prices_is_taken_only_if_the_rows_say_so() {
    let bars = continuous();
    let epochs = |b: &Bar| b.timestamp.as_millis() / 1_000;
    let kucoin = |bars: &[Bar]| {
        rows(bars, |b| {
            let Bar {
                open,
                high,
                low,
                close,
                volume,
                ..
            } = b;
            format!(
                "{},{open},{close},{high},{low},{volume},{}",
                epochs(b),
                volume * close
            )
        })
    };
    is_read(&kucoin(&bars), &HOURLY, &bars, &[]);
    is_refused(
        &kucoin(&bars[..8]),
        &HOURLY,
        "DATA_DOUBTFUL",
        &["COLUMNS_UNCERTAIN"],
    );
    let closes_first = rows(&bars, |b| {
        format!(
            "{},{},{},{},{},{}",
            epochs(b),
            b.close,
            b.open,
            b.high,
            b.low,
            b.volume
        )
    });
    is_refused(
        &closes_first,
        &HOURLY,
        "DATA_DOUBTFUL",
        &["COLUMNS_UNCERTAIN"],
    );
}

#[test]
fn a_fifth_price_is_no_volume() {
    let bars = days();
    let adjusted = rows(&bars, |b| {
        let Bar {
            open,
            high,
            low,
            close,
            volume,
            ..
        } = b;
        format!(
            "{},{open},{high},{low},{close},{},{volume}",
            time(b, "%Y-%m-%d"),
            close * 0.97
        )
    });
    is_refused(
        &adjusted,
        &DAILY,
        "DATA_DOUBTFUL",
        &["VOLUME_UNCERTAIN", "from 6 on"],
    );
    let said = Asked {
        columns: &[(Field::Volume, "column 7")],
        ..DAILY
    };
    is_read(&adjusted, &said, &bars, &[]);
}

#[test]
fn which_of_several_columns_is_the_volume_is_told_or_doubted() {
    let bars = days();
    let of = |behind: &dyn Fn(&Bar) -> String| {
        rows(&bars, |b| {
            let Bar {
                open,
                high,
                low,
                close,
                ..
            } = b;
            format!(
                "{},{open},{high},{low},{close},{}",
                time(b, "%Y-%m-%d"),
                behind(b)
            )
        })
    };
    is_read(
        &of(&|b| format!("{},{}", b.volume, b.volume * b.close)),
        &DAILY,
        &bars,
        &[],
    );
    is_read(
        &of(&|b| format!("{},{}", b.volume * b.close, b.volume)),
        &DAILY,
        &bars,
        &[],
    );
    is_read(&of(&|b| format!("{},0", b.volume)), &DAILY, &bars, &[]);
    for behind in [
        of(&|b| format!("12,{}", b.volume)),
        of(&|b| format!("0,{}", b.volume)),
        of(&|b| format!("{},{}", b.volume, b.volume + 1.0)),
    ] {
        is_refused(
            &behind,
            &DAILY,
            "DATA_DOUBTFUL",
            &["VOLUME_UNCERTAIN", "say columns"],
        );
    }
}

#[test]
fn epochs_whose_unit_changes_are_refused() {
    let bars = hours();
    for larger in [1, 20, 59] {
        let number = |(at, b): (usize, &Bar)| {
            let millis = b.timestamp.as_millis();
            let time = if at < larger { millis } else { millis * 1_000 };
            let Bar {
                open,
                high,
                low,
                close,
                volume,
                ..
            } = b;
            format!("{time},{open},{high},{low},{close},{volume},{time},1.0,12,0.5,0.5,0\n")
        };
        let text: String = bars.iter().enumerate().map(number).collect();
        for asked in [
            HOURLY,
            Asked {
                dialect: "binance",
                ..HOURLY
            },
            DAILY,
        ] {
            is_refused(&text, &asked, "DATA_DOUBTFUL", &["TIME_UNREADABLE"]);
        }
    }
}

#[test]
fn european_numbers_are_doubted_where_they_can_mean_two() {
    for row in [
        "150,201;150,220;149,985;150,037;1.000",
        "15.251;15.273;15.131;15.260;0",
        "60.033;60.135;58.916;59.066;561,417",
    ] {
        let days = (4..30).map(|day| format!("{day:02}.01.2021;{row}\n"));
        let text = format!(
            "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen\n{}",
            days.collect::<String>()
        );
        is_refused(
            &text,
            &DAILY,
            "DATA_DOUBTFUL",
            &["DECIMAL_AMBIGUOUS", "say decimal"],
        );
    }
    let bonds =
        (4..30).map(|day| format!("2021-01-{day:02},130'160,130'245,130'085,130'200,50000\n"));
    let text = format!(
        "Date,Open,High,Low,Close,Volume\n{}",
        bonds.collect::<String>()
    );
    is_refused(&text, &DAILY, "DATA_DOUBTFUL", &["DECIMAL_AMBIGUOUS"]);
}

#[test]
fn the_very_symbol_wins_over_one_that_is_alike() {
    let days = days();
    let of = |symbol: &str, plus: f64| {
        let bar = |b: &Bar| Bar {
            open: b.open + plus,
            high: b.high + plus,
            low: b.low + plus,
            close: b.close + plus,
            ..*b
        };
        rows(&days, |b| {
            format!("{symbol},{}", plain(&bar(b), "%Y-%m-%d"))
        })
    };
    let header = "symbol,date,open,high,low,close,volume\n";
    is_read(
        &format!("{header}{}{}", of("test", 9.0), of("TEST", 0.0)),
        &DAILY,
        &days,
        &[],
    );
    let alike = format!("{header}{}{}", of("test", 0.0), of("OTHER", 9.0));
    is_read(&alike, &DAILY, &days, &["SYMBOL_DIFFERS"]);
}

#[test]
fn a_footer_of_a_file_with_symbols_is_a_bad_row() {
    let days = days();
    let rows = rows(&days, |b| format!("{},TEST", plain(b, "%Y-%m-%d")));
    let text = format!("date,open,high,low,close,volume,symbol\n{rows}Source: somebody\n");
    is_refused(&text, &DAILY, "BAD_ROW", &["row 41", "7 fields"]);
}

#[test]
fn units_below_the_names_are_no_symbols_and_other_volumes_no_volume() {
    let days = days();
    let of = |header: &str| format!("{header}\n{}", rows(&days, |b| plain(b, "%Y-%m-%d")));
    for units in [
        ",USD,USD,USD,USD,shares",
        "(date),(USD),(USD),(USD),(USD),(shares)",
        "date,float,float,float,float,int",
        "----,----,----,----,----,----",
    ] {
        is_read(
            &of(&format!("Date,Open,High,Low,Close,Volume\n{units}")),
            &DAILY,
            &days,
            &[],
        );
    }
    let none: Vec<_> = days
        .iter()
        .map(|bar| Bar {
            volume: 0.0,
            ..*bar
        })
        .collect();
    for other in [
        "avg_volume",
        "Volume MA",
        "Volume ($)",
        "Volume (000s)",
        "taker_buy_base_volume",
        "Volume Weighted Average Price",
        "Quote asset volume",
        "Volume in USD",
    ] {
        is_read(
            &of(&format!("Date,Open,High,Low,Close,{other}")),
            &DAILY,
            &none,
            &["VOLUME_MISSING"],
        );
    }
    for volume in [
        "AAPL.Volume",
        "Volume BTC",
        "baseVolume",
        "No.of Shares",
        "Stücke",
        "Volume (shares)",
    ] {
        is_read(
            &of(&format!("Date,Open,High,Low,Close,{volume}")),
            &Asked {
                symbol: "AAPL",
                ..DAILY
            },
            &days,
            &[],
        );
    }
    for word in ["-", "NA", "N/A", "NaN", "null"] {
        let text = of("Date,Open,High,Low,Close,Volume");
        let rows: String = text
            .lines()
            .skip(1)
            .map(|row| row.rsplit_once(',').expect("a volume").0.to_owned() + "," + word + "\n")
            .collect();
        is_read(
            &format!("Date,Open,High,Low,Close,Volume\n{rows}"),
            &DAILY,
            &none,
            &["VOLUME_MISSING"],
        );
    }
}

#[test]
fn rows_that_a_quote_swallows_are_never_skipped() {
    let text = rows(&days(), |b| plain(b, "%Y-%m-%d") + ",note");
    let text = format!("Date,Open,High,Low,Close,Volume,remark\n{text}");
    let quoted = text.replacen(",note\n2021-01-20", ",\"note\n2021-01-20", 1);
    let closed = quoted.replacen(",note\n2021-01-25", ",note\"\n2021-01-25", 1);
    assert_ne!(text, closed);
    is_refused(
        &closed,
        &DAILY,
        "BAD_ROW",
        &["line 17", "is a quote not closed?"],
    );
    is_refused(
        &quoted,
        &DAILY,
        "BAD_ROW",
        &["line 17", "is a quote not closed?"],
    );
    is_refused(
        "Date,Open,High,Low,Close,Volume\n01.13.2021,1,2,1,2,5\n01.14.2021,1,2,1,2,5\n",
        &DAILY,
        "DATA_DOUBTFUL",
        &["DAY_MONTH_AMBIGUOUS", "%m.%d.%Y"],
    );
}
