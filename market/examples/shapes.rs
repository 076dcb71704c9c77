//! Reads files and tells what was found.
use impresario_market::{Timeframe, dialect::*, rows::*};
use std::sync::Arc;
fn main() {
    let text = std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    let folder = std::env::args().nth(2).unwrap();
    let dialects = Dialects::shipped().unwrap();
    for one in all.as_array().unwrap() {
        let file = one["file"].as_str().unwrap();
        let p = &one["params"];
        let name = p["dialect"].as_str().unwrap_or("auto");
        let mut d = dialects.get(name).unwrap();
        if let Some(c) = p["columns"].as_object() {
            for (k, v) in c {
                d.columns
                    .insert(Field::parse(k).unwrap(), v.as_str().unwrap().to_owned());
            }
        }
        if let Some(z) = p["time_zone"].as_str() {
            d.time_zone = Some(z.to_owned());
        }
        if let Some(z) = p["time_format"].as_str() {
            d.time_format = Some(z.to_owned());
        }
        let options = ReadOptions {
            symbol: one["symbol"].as_str().unwrap().to_owned(),
            timeframe: Timeframe::parse(one["timeframe"].as_str().unwrap()).unwrap(),
            dialect_name: name.to_owned(),
            dialect: d,
            skip_bad_rows: p["bad_rows"] == "skip",
            leave_out_uncertain_end: false,
            accept_doubts: vec![],
            kept: None,
            today: chrono::NaiveDate::from_ymd_opt(2026, 11, 30).unwrap(),
        };
        let source = Arc::new(std::fs::File::open(format!("{folder}/{file}")).unwrap());
        let result = (|| {
            let mut reader = BarReader::open(source, file, &options)?;
            let mut bars = vec![];
            while let Some(row) = reader.next()? {
                if let Row::Bar(bar, _) = row {
                    bars.push(bar);
                }
            }
            bars.sort_by_key(|b| b.timestamp);
            Ok::<_, impresario_market::error::ImportError>((bars, reader.finish(&[], 0)?))
        })();
        match result {
            Ok((bars, facts)) => {
                let x = &one["expect"];
                let sum: f64 = bars.iter().map(|b| b.close).sum();
                let ok = x["rows"] == bars.len()
                    && x["first"][0] == bars[0].timestamp.to_string().as_str()
                    && x["last"][0] == bars.last().unwrap().timestamp.to_string().as_str()
                    && (sum - x["close_sum"].as_f64().unwrap_or(0.0)).abs() < 1e-6 * sum.abs()
                    && x["first"][5].as_f64() == Some(bars[0].volume)
                    && x["first"][1].as_f64() == Some(bars[0].open);
                println!(
                    "{} {file}: {} rows {:?} {:?}",
                    if ok { "ok  " } else { "DIFF" },
                    bars.len(),
                    facts
                        .warnings
                        .iter()
                        .map(|w| format!("{}:{}", w.code, w.count))
                        .collect::<Vec<_>>(),
                    (one["error"].as_str(), one["warning"].as_str())
                );
                if !ok {
                    println!("     {:?} {:?}", bars[0], facts.read_as);
                }
            }
            Err(e) => println!(
                "{} {file}: {} {e} | wanted {:?}",
                if one["error"].is_null() {
                    "FAIL"
                } else {
                    "err "
                },
                e.code(),
                one["error"].as_str()
            ),
        }
    }
}
