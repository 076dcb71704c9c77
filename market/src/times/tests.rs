//! Tables for each form, and for each doubt.

use chrono::NaiveDate;
use impresario_api::Timestamp;

use super::*;
use crate::timeframe::Timeframe;

fn timeframe(name: &str) -> Timeframe {
    Timeframe::parse(name).expect("a timeframe")
}

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 6, 15).expect("a date")
}

fn survey(asked: &Asked, name: &str, kept: Option<Kept>) -> Survey {
    Survey::new(asked, timeframe(name), kept, today(), None).expect("nothing wrong was asked")
}

fn decide_with<T: AsRef<str>>(
    asked: &Asked,
    name: &str,
    kept: Option<Kept>,
    texts: &[T],
) -> Decision {
    let mut survey = survey(asked, name, kept);
    for text in texts {
        survey.see(text.as_ref().as_bytes());
    }
    survey.decide()
}

fn decide(name: &str, texts: &[&str]) -> Decision {
    decide_with(&Asked::default(), name, None, texts)
}

fn doubt(decision: Decision) -> Doubt {
    match decision {
        Decision::Doubt(doubt) => doubt,
        other => panic!("expected a doubt, found {other:?}"),
    }
}

fn fits(decision: Decision) -> Reading {
    match decision {
        Decision::Fits(reading) => reading,
        other => panic!("expected a reading, found {other:?}"),
    }
}

fn read<T: AsRef<str>>(
    reading: &Reading,
    name: &str,
    texts: &[T],
) -> (Vec<Result<String, String>>, Facts) {
    let mut clock = Clock::new(reading.clone(), timeframe(name));
    let times = texts.iter().map(|text| {
        let time = clock.read(text.as_ref().as_bytes());
        time.map(|time| time.to_string().replace(":00.000Z", "Z"))
            .map_err(|fault| fault.expected)
    });
    (times.collect(), clock.facts())
}

/// The times that are read without a doubt.
fn times(asked: &Asked, name: &str, texts: &[&str]) -> (Vec<String>, Reading, Facts) {
    let reading = fits(decide_with(asked, name, None, texts));
    let (times, facts) = read(&reading, name, texts);
    let times = times
        .into_iter()
        .map(|time| time.unwrap_or_else(|fault| panic!("{texts:?}: {fault}")));
    (times.collect(), reading, facts)
}

fn zone(name: &str) -> Asked {
    Asked {
        zone: Some(Zone::parse(name).expect("a zone")),
        ..Asked::default()
    }
}

fn format(format: &str) -> Asked {
    Asked {
        format: Some(format.to_owned()),
        ..Asked::default()
    }
}

#[test]
fn every_form_of_a_day_is_read() {
    // 4 to 8 and 13 January 2021.
    for (texts, expected) in [
        ("2021-01-04|2021-01-05|2021-01-06|2021-01-13", "%Y-%m-%d"),
        ("20210104|20210105|20210106|20210113", "%Y%m%d"),
        ("20210104.0|20210105.0|20210106.0|20210113.0", "%Y%m%d"),
        ("2021/01/04|2021/01/05|2021/01/06|2021/01/13", "%Y/%m/%d"),
        ("2021/1/4|2021/1/5|2021/1/6|2021/1/13", "%Y/%m/%d"),
        ("2021.01.04|2021.01.05|2021.01.06|2021.01.13", "%Y.%m.%d"),
        ("04.01.2021|05.01.2021|06.01.2021|13.01.2021", "%d.%m.%Y"),
        ("4.1.2021|5.1.2021|6.1.2021|13.1.2021", "%d.%m.%Y"),
        ("04.01.21|05.01.21|06.01.21|13.01.21", "%d.%m.%y"),
        ("21.01.04|21.01.05|21.01.06|21.01.13", "%y.%m.%d"),
        ("4. 1. 2021|5. 1. 2021|6. 1. 2021|13. 1. 2021", "%d. %m. %Y"),
        ("01/04/2021|01/05/2021|01/06/2021|01/13/2021", "%m/%d/%Y"),
        ("1/4/2021|1/5/2021|1/6/2021|1/13/2021", "%m/%d/%Y"),
        ("1/4/21|1/5/21|1/6/21|1/13/21", "%m/%d/%y"),
        ("04/01/2021|05/01/2021|06/01/2021|13/01/2021", "%d/%m/%Y"),
        ("04-01-2021|05-01-2021|06-01-2021|13-01-2021", "%d-%m-%Y"),
        (
            "04-Jan-2021|05-Jan-2021|06-Jan-2021|13-Jan-2021",
            "%d-%b-%Y",
        ),
        ("04-JAN-21|05-JAN-21|06-JAN-21|13-JAN-21", "%d-%b-%y"),
        (
            "2021-Jan-04|2021-Jan-05|2021-Jan-06|2021-Jan-13",
            "%Y-%b-%d",
        ),
        ("4 Jan 2021|5 Jan 2021|6 Jan 2021|13 Jan 2021", "%d %b %Y"),
        (
            "4 January 2021|5 January 2021|6 January 2021|13 January 2021",
            "%d %B %Y",
        ),
        (
            "Jan 04, 2021|Jan 05, 2021|Jan 06, 2021|Jan 13, 2021",
            "%b %d, %Y",
        ),
        (
            "January 4, 2021|January 5, 2021|January 6, 2021|January 13, 2021",
            "%B %d, %Y",
        ),
        (
            "Jan. 4, 2021|Jan. 5, 2021|Jan. 6, 2021|Jan. 13, 2021",
            "%b. %d, %Y",
        ),
        (
            "Mon, 04 Jan 2021|Tue, 05 Jan 2021|Wed, 06 Jan 2021|Wed, 13 Jan 2021",
            "%a, %d %b %Y",
        ),
        (
            "Monday, January 4, 2021|Tuesday, January 5, 2021|Wednesday, January 6, 2021|Wednesday, January 13, 2021",
            "%A, %B %d, %Y",
        ),
        (
            "2021-01-04T00:00:00Z|2021-01-05T00:00:00Z|2021-01-06T00:00:00Z|2021-01-13T00:00:00Z",
            "%Y-%m-%dT%H:%M:%S%#z",
        ),
        // A day stays the day of its source.
        (
            "2021-01-04 00:00:00+09:00|2021-01-05 00:00:00+09:00|2021-01-06 00:00:00+09:00|2021-01-13 00:00:00+09:00",
            "%Y-%m-%d %H:%M:%S%:z",
        ),
        (
            "2021-01-04 23:00 -05:00|2021-01-05 23:00 -05:00|2021-01-06 23:00 -05:00|2021-01-13 23:00 -05:00",
            "%Y-%m-%d %H:%M %:z",
        ),
        (
            "20210104 000000|20210105 000000|20210106 000000|20210113 000000",
            "%Y%m%d %H%M%S",
        ),
        ("20210104 0|20210105 0|20210106 0|20210113 0", "%Y%m%d %H%M"),
        (
            "20210104 00:00|20210105 00:00|20210106 00:00|20210113 00:00",
            "%Y%m%d %H:%M",
        ),
        (
            "2021-01-04Z|2021-01-05Z|2021-01-06Z|2021-01-13Z",
            "%Y-%m-%d%#z",
        ),
        (
            "2021-01-04 UTC|2021-01-05 UTC|2021-01-06 UTC|2021-01-13 UTC",
            "%Y-%m-%d %Z",
        ),
        ("1609718400|1609804800|1609891200|1610496000", "%s"),
        (
            "1609718400000|1609804800000|1609891200000|1610496000000",
            "%s%3f",
        ),
        // New York's opening, and its midnight.
        ("1609770600|1609857000|1609943400|1610548200", "%s"),
        ("1609736400|1609822800|1609909200|1610514000", "%s"),
    ] {
        let texts: Vec<&str> = texts.split('|').collect();
        let (times, reading, _) = times(&Asked::default(), "1d", &texts);
        let days = ["04", "05", "06", "13"].map(|day| format!("2021-01-{day}T00:00Z"));
        assert_eq!(times, days, "{texts:?}");
        assert_eq!(reading.format(), expected, "{texts:?}");
    }
}

#[test]
fn every_form_of_a_minute_is_read() {
    for (texts, expected) in [
        (
            "2021-02-01T10:00|2021-02-01T10:01|2021-02-01T10:02|2021-02-13T23:59",
            "%Y-%m-%dT%H:%M",
        ),
        (
            "2021-02-01 10:00:00|2021-02-01 10:01:00|2021-02-01 10:02:00|2021-02-13 23:59:00",
            "%Y-%m-%d %H:%M:%S",
        ),
        (
            "2021-02-01  10:00|2021-02-01  10:01|2021-02-01  10:02|2021-02-13  23:59",
            "%Y-%m-%d  %H:%M",
        ),
        (
            "2021-02-01_10:00|2021-02-01_10:01|2021-02-01_10:02|2021-02-13_23:59",
            "%Y-%m-%d_%H:%M",
        ),
        (
            "2021-02-01T10:00:00.000Z|2021-02-01T10:01:00.000Z|2021-02-01T10:02:00.000Z|2021-02-13T23:59:00.000Z",
            "%Y-%m-%dT%H:%M:%S%.f%#z",
        ),
        (
            "2021-02-01T12:00:00+02:00|2021-02-01T12:01:00+02:00|2021-02-01T12:02:00+02:00|2021-02-14T01:59:00+02:00",
            "%Y-%m-%dT%H:%M:%S%:z",
        ),
        (
            "2021-02-01 05:00:00 -0500|2021-02-01 05:01:00 -0500|2021-02-01 05:02:00 -0500|2021-02-13 18:59:00 -0500",
            "%Y-%m-%d %H:%M:%S %z",
        ),
        (
            "2021-02-01 12:00+02|2021-02-01 12:01+02|2021-02-01 12:02+02|2021-02-14 01:59+02",
            "%Y-%m-%d %H:%M%#z",
        ),
        (
            "20210201100000|20210201100100|20210201100200|20210213235900",
            "%Y%m%d%H%M%S",
        ),
        (
            "202102011000|202102011001|202102011002|202102132359",
            "%Y%m%d%H%M",
        ),
        (
            "20210201100000000|20210201100100000|20210201100200000|20210213235900000",
            "%Y%m%d%H%M%S%3f",
        ),
        (
            "20210201 100000|20210201 100100|20210201 100200|20210213 235900",
            "%Y%m%d %H%M%S",
        ),
        (
            "20210201 1000|20210201 1001|20210201 1002|20210213 2359",
            "%Y%m%d %H%M",
        ),
        (
            "20210201 100000000|20210201 100100000|20210201 100200000|20210213 235900000",
            "%Y%m%d %H%M%S%3f",
        ),
        (
            "20210201T100000Z|20210201T100100Z|20210201T100200Z|20210213T235900Z",
            "%Y%m%dT%H%M%S%#z",
        ),
        (
            "20210201-10:00:00|20210201-10:01:00|20210201-10:02:00|20210213-23:59:00",
            "%Y%m%d-%H:%M:%S",
        ),
        (
            "2021.02.01 10:00|2021.02.01 10:01|2021.02.01 10:02|2021.02.13 23:59",
            "%Y.%m.%d %H:%M",
        ),
        (
            "2021.02.01D10:00:00.000000000|2021.02.01D10:01:00.000000000|2021.02.01D10:02:00.000000000|2021.02.13D23:59:00.000000000",
            "%Y.%m.%dD%H:%M:%S%.f",
        ),
        (
            "01.02.2021 10:00:00.000|01.02.2021 10:01:00.000|01.02.2021 10:02:00.000|13.02.2021 23:59:00.000",
            "%d.%m.%Y %H:%M:%S%.f",
        ),
        (
            "2/1/2021, 10:00:00 AM|2/1/2021, 10:01:00 AM|2/1/2021, 10:02:00 AM|2/13/2021, 11:59:00 PM",
            "%m/%d/%Y, %I:%M:%S %p",
        ),
        (
            "02/01/2021 10:00am|02/01/2021 10:01am|02/01/2021 10:02am|02/13/2021 11:59pm",
            "%m/%d/%Y %I:%M%p",
        ),
        (
            "01/Feb/2021:10:00:00 +0000|01/Feb/2021:10:01:00 +0000|01/Feb/2021:10:02:00 +0000|13/Feb/2021:23:59:00 +0000",
            "%d/%b/%Y:%H:%M:%S %z",
        ),
        (
            "Mon, 01 Feb 2021 10:00:00 GMT|Mon, 01 Feb 2021 10:01:00 GMT|Mon, 01 Feb 2021 10:02:00 GMT|Sat, 13 Feb 2021 23:59:00 GMT",
            "%a, %d %b %Y %H:%M:%S %Z",
        ),
        (
            "20210201 05:00:00 US/Eastern|20210201 05:01:00 US/Eastern|20210201 05:02:00 US/Eastern|20210213 18:59:00 US/Eastern",
            "%Y%m%d %H:%M:%S %Z",
        ),
        (
            "2021-02-01 05:00 EST|2021-02-01 05:01 EST|2021-02-01 05:02 EST|2021-02-13 18:59 EST",
            "%Y-%m-%d %H:%M %Z",
        ),
        ("1612173600|1612173660|1612173720|1613260740", "%s"),
        ("1612173600.0|1612173660.0|1612173720.0|1613260740.0", "%s"),
        ("1.6121736e9|1.61217366e9|1.61217372e9|1.61326074e9", "%s"),
        (
            "1612173600000|1612173660000|1612173720000|1613260740000",
            "%s%3f",
        ),
        (
            "1612173600000000|1612173660000000|1612173720000000|1613260740000000",
            "%s%6f",
        ),
        (
            "1612173600000000000|1612173660000000000|1612173720000000000|1613260740000000000",
            "%s%9f",
        ),
        (
            "1.6121736e+18|1.61217366e+18|1.61217372e+18|1.61326074e+18",
            "%s%9f",
        ),
    ] {
        let texts: Vec<&str> = texts.split('|').collect();
        let (times, reading, _) = times(&Asked::default(), "1m", &texts);
        let minutes = ["01T10:00Z", "01T10:01Z", "01T10:02Z", "13T23:59Z"];
        assert_eq!(
            times,
            minutes.map(|minute| format!("2021-02-{minute}")),
            "{texts:?}"
        );
        assert_eq!(reading.format(), expected, "{texts:?}");
        // What a report names can be asked for.
        let asked = format_of(&reading);
        let (again, again_reading, _) = self::times(&asked, "1m", &texts);
        assert_eq!(
            (again, again_reading.format()),
            (times, expected),
            "{texts:?}"
        );
    }
}

fn format_of(reading: &Reading) -> Asked {
    format(reading.format())
}

#[test]
fn hours_stand_alone_and_months_without_a_day() {
    for (name, texts, first) in [
        (
            "1h",
            "2019-10-17 09-AM|2019-10-17 10-AM|2019-10-17 11-AM|2019-10-17 12-PM",
            "2019-10-17T09:00Z",
        ),
        (
            "1h",
            "2019-10-17 9|2019-10-17 10|2019-10-17 11|2019-10-17 12",
            "2019-10-17T09:00Z",
        ),
        (
            "1h",
            "2019101709|2019101710|2019101711|2019101712",
            "2019-10-17T09:00Z",
        ),
        (
            "1h",
            "2019-10-17 9:30|2019-10-17 10:30|2019-10-17 11:30|2019-10-17 12:30",
            "2019-10-17T09:30Z",
        ),
        (
            "1mo",
            "2021-01|2021-02|2021-03|2021-04",
            "2021-01-01T00:00Z",
        ),
        ("1mo", "202101|202102|202103|202104", "2021-01-01T00:00Z"),
        (
            "1mo",
            "Jan 2021|Feb 2021|Mar 2021|Apr 2021",
            "2021-01-01T00:00Z",
        ),
        ("1mo", "Jan-21|Feb-21|Mar-21|Apr-21", "2021-01-01T00:00Z"),
        (
            "1mo",
            "01/2021|02/2021|03/2021|04/2021",
            "2021-01-01T00:00Z",
        ),
        (
            "1mo",
            "2021-01-29|2021-02-26|2021-03-31|2021-04-30",
            "2021-01-29T00:00Z",
        ),
        (
            "3mo",
            "2021-01-01|2021-04-01|2021-07-01|2021-10-01",
            "2021-01-01T00:00Z",
        ),
        (
            "1w",
            "2021-01-01|2021-01-08|2021-01-15|2021-01-22",
            "2021-01-01T00:00Z",
        ),
        (
            "1s",
            "1612173600|1612173601|1612173602|1612173603",
            "2021-02-01T10:00Z",
        ),
        // Minutes without their leading zeros, as they come out of a table of numbers.
        (
            "1m",
            "20210104 0|20210104 1|20210104 2|20210104 3|20210104 1000",
            "2021-01-04T00:00Z",
        ),
        (
            "1m",
            "20210104 93000|20210104 93100|20210104 93200|20210104 93300",
            "2021-01-04T09:30Z",
        ),
        // Before 1970.
        ("1d", "-86400|-172800|-259200|-345600", "1969-12-31T00:00Z"),
        (
            "1d",
            "1/2/1998|1/5/1998|1/6/1998|1/13/1998|1/14/1998",
            "1998-01-02T00:00Z",
        ),
        (
            "1d",
            "02-Jan-98|05-Jan-98|06-Jan-98|07-Jan-98",
            "1998-01-02T00:00Z",
        ),
    ] {
        let texts: Vec<&str> = texts.split('|').collect();
        let (times, ..) = times(&Asked::default(), name, &texts);
        assert_eq!(times[0], first, "{texts:?}");
    }
}

#[test]
fn what_cannot_be_told_is_a_doubt_that_says_what_to_say() {
    for (code, name, texts) in [
        ("TIME_UNREADABLE", "1d", "today|yesterday|tomorrow"),
        ("TIME_UNREADABLE", "1d", "2021-13-01|2021-14-01|2021-15-01"),
        ("TIME_UNREADABLE", "1d", "10:00|10:01|10:02"),
        ("TIME_UNREADABLE", "1d", ""),
        (
            "TIME_UNREADABLE",
            "1h",
            "2021-01-04 10:00 CST|2021-01-04 11:00 CST|2021-01-04 12:00 CST",
        ),
        // Both orders are broken by some rows.
        (
            "TIME_UNREADABLE",
            "1d",
            "13/01/2021|01/13/2021|02/01/2021|03/01/2021",
        ),
        (
            "TIME_UNREADABLE",
            "1d",
            "2021-01-04|04/01/2021|2021-01-06|06/01/2021",
        ),
        (
            "TIME_OUT_OF_RANGE",
            "1d",
            "22040104|22040105|22040106|22040107",
        ),
        (
            "TIME_OUT_OF_RANGE",
            "1mo",
            "1871-01-01|1871-02-01|1871-03-01|1871-04-01",
        ),
        ("EXCEL_SERIAL", "1d", "44200|44201|44202|44203"),
        ("EXCEL_SERIAL", "1d", "44200"),
        (
            "EXCEL_SERIAL",
            "1h",
            "44200.4375|44200.47916667|44200.52083333|44200.5625",
        ),
        ("EXCEL_SERIAL", "1s", "44200|44201|44202|44203"),
        ("DATE_MISSING", "1m", "34200000|34260000|34320000|34380000"),
        ("DATE_MISSING", "1s", "0|1|2|3|4"),
        (
            "DAY_MONTH_AMBIGUOUS",
            "1d",
            "04/01/2021|05/01/2021|06/01/2021|07/01/2021",
        ),
        (
            "DAY_MONTH_AMBIGUOUS",
            "1d",
            "04-01-2021|05-01-2021|06-01-2021|07-01-2021",
        ),
        (
            "DAY_MONTH_AMBIGUOUS",
            "1m",
            "04/01/2021 10:00|04/01/2021 10:01|04/01/2021 10:02|04/01/2021 10:03",
        ),
        ("DAY_MONTH_AMBIGUOUS", "1d", "04/01/2021"),
        (
            "DAY_MONTH_AMBIGUOUS",
            "1d",
            "04/01/21|05/01/21|06/01/21|07/01/21",
        ),
        (
            "SPACING_UNEXPECTED",
            "4h",
            "2021-06-01 00:00|2021-06-01 06:00|2021-06-01 12:00|2021-06-01 18:00",
        ),
        (
            "SPACING_UNEXPECTED",
            "1h",
            "20210104|20210105|20210106|20210107",
        ),
        (
            "SPACING_UNEXPECTED",
            "1d",
            "1622505600|1622509200|1622512800|1622516400",
        ),
        (
            "SPACING_UNEXPECTED",
            "1d",
            "2021-01-04 10:00|2021-01-04 11:00",
        ),
        (
            "SPACING_UNEXPECTED",
            "1mo",
            "2021-01-04|2021-01-05|2021-01-06|2021-01-07",
        ),
        (
            "ZONE_UNCERTAIN",
            "1d",
            "1609714800|1609801200|1609887600|1609974000",
        ),
        (
            "ZONE_UNCERTAIN",
            "1d",
            "1609686000000|1609772400000|1609858800000|1609945200000",
        ),
    ] {
        let texts: Vec<&str> = texts.split('|').collect();
        let doubt = doubt(decide(name, &texts));
        assert_eq!(doubt.code, code, "{texts:?}: {}", doubt.message);
        assert!(
            doubt.message.contains(&format!("{:?}", texts[0])) || texts == [""],
            "{}",
            doubt.message
        );
        assert!(!doubt.instead.is_empty());
    }
}

#[test]
fn an_accepted_doubt_reads_as_it_says() {
    for (name, texts, first) in [
        ("1d", "44200|44201|44202|44203", "2021-01-04T00:00Z"),
        (
            "1h",
            "44200.4375|44200.47916667|44200.52083333|44200.5625",
            "2021-01-04T10:30Z",
        ),
        (
            "1d",
            "22040104|22040105|22040106|22040107",
            "2204-01-04T00:00Z",
        ),
        (
            "1d",
            "04/01/2021|05/01/2021|06/01/2021|07/01/2021",
            "2021-01-04T00:00Z",
        ),
        (
            "1d",
            "01/04/2021|01/05/2021|01/06/2021|01/07/2021",
            "2021-01-04T00:00Z",
        ),
        (
            "4h",
            "2021-06-01 00:00|2021-06-01 06:00|2021-06-01 12:00|2021-06-01 18:00",
            "2021-06-01T00:00Z",
        ),
        (
            "1d",
            "1609714800|1609801200|1609887600|1609974000",
            "2021-01-03T00:00Z",
        ),
    ] {
        let texts: Vec<&str> = texts.split('|').collect();
        let reading = doubt(decide(name, &texts))
            .accepted
            .expect("it can be accepted");
        let (times, _) = read(&reading, name, &texts);
        assert_eq!(times[0].as_deref(), Ok(first), "{texts:?}");
    }
    // The spacing says nothing of which is which.
    let minutes = [
        "04/01/2021 10:00",
        "04/01/2021 10:01",
        "04/01/2021 10:02",
        "04/01/2021 10:03",
    ];
    assert_eq!(doubt(decide("1m", &minutes)).accepted, None);
}

#[test]
fn a_spacing_names_the_timeframe_that_it_would_be() {
    let texts = [
        "2021-06-01 00:00",
        "2021-06-01 06:00",
        "2021-06-01 12:00",
        "2021-06-01 18:00",
    ];
    let doubt = doubt(decide("4h", &texts));
    assert!(
        doubt.message.contains("is 6h") && doubt.message.contains("4h"),
        "{}",
        doubt.message
    );
    assert!(doubt.instead.contains("6h"), "{}", doubt.instead);
}

#[test]
fn few_times_need_only_be_whole_numbers_of_bars_apart() {
    for (name, texts, first) in [
        ("1d", "20240102", "2024-01-02T00:00Z"),
        ("1d", "20240102|20240105", "2024-01-02T00:00Z"),
        ("1h", "1622505600", "2021-06-01T00:00Z"),
        ("1s", "1622505000", "2021-06-01T07:50Z"),
        ("1d", "1622557800", "2021-06-01T00:00Z"),
        ("1m", "1622505600000|1622505720000", "2021-06-01T00:00Z"),
        ("1m", "20210104 1000", "2021-01-04T10:00Z"),
        ("1m", "202102011000", "2021-02-01T10:00Z"),
        (
            "1d",
            "2021-01-01|2021-01-04|2021-01-11",
            "2021-01-01T00:00Z",
        ),
        ("1d", "05/05/2021", "2021-05-05T00:00Z"),
    ] {
        let texts: Vec<&str> = texts.split('|').collect();
        let (times, ..) = times(&Asked::default(), name, &texts);
        // 1622505000 is 23:50 on the day before.
        let first = if texts[0] == "1622505000" {
            "2021-05-31T23:50Z"
        } else {
            first
        };
        assert_eq!(times[0], first, "{texts:?}");
    }
}

fn kept(first: &str, last: &str) -> Option<Kept> {
    let time = |text: &str| text.parse::<Timestamp>().expect("a time");
    Some(Kept {
        first: time(first),
        last: time(last),
    })
}

#[test]
fn what_is_kept_says_on_which_grid_more_may_lie_and_what_continues_it() {
    let hours = kept("2021-01-01T00:00:00Z", "2021-01-31T00:00:00Z");
    let asked = Asked::default();
    // Every third bar of an hour.
    let texts = [
        "2021-02-01 00:00",
        "2021-02-01 03:00",
        "2021-02-01 06:00",
        "2021-02-01 09:00",
    ];
    assert!(matches!(
        decide_with(&asked, "1h", hours, &texts),
        Decision::Fits(_)
    ));
    let texts = [
        "2021-02-01 00:30",
        "2021-02-01 01:30",
        "2021-02-01 02:30",
        "2021-02-01 03:30",
    ];
    let off = doubt(decide_with(&asked, "1h", hours, &texts));
    assert_eq!(off.code, "SPACING_UNEXPECTED");
    assert!(
        off.message.contains("grid of what is kept"),
        "{}",
        off.message
    );
    // Year first or day first: only one goes on from January 2021.
    let days = kept("2021-01-01T00:00:00Z", "2021-02-20T00:00:00Z");
    let texts = ["21.02.22"];
    assert_eq!(
        doubt(decide_with(&asked, "1d", None, &texts)).code,
        "TIME_AMBIGUOUS"
    );
    let reading = fits(decide_with(&asked, "1d", days, &texts));
    assert_eq!(reading.format(), "%y.%m.%d");
    // Of slashed dates only a number over 12 decides.
    let slashed = decide_with(&asked, "1d", days, &["02/03/2021", "03/03/2021"]);
    assert_eq!(doubt(slashed).code, "DAY_MONTH_AMBIGUOUS");
}

#[test]
fn a_number_over_12_decides_whenever_it_comes() {
    let mut survey = survey(&Asked::default(), "1m", None);
    let minute =
        |day: i64, minute: i64| format!("01/{day:02}/2021 {:02}:{:02}", minute / 60, minute % 60);
    for day in 1..=12 {
        for at in 0..1_440 {
            survey.see(minute(day, at).as_bytes());
        }
    }
    assert!(!survey.is_decided());
    survey.see(minute(13, 0).as_bytes());
    assert!(survey.is_decided());
    assert_eq!(fits(survey.decide()).format(), "%m/%d/%Y %H:%M");
}

#[test]
fn the_spacing_is_found_in_whatever_order_the_rows_are() {
    // A multiplier without a common factor visits every minute once.
    let count = 100_003_u64;
    for step in [1, count - 1, 31_337] {
        let mut survey = survey(&Asked::default(), "1m", None);
        for row in 0..count {
            let minute = (row + 1) * step % count;
            survey.see(format!("{}", 1_612_173_600 + minute * 60).as_bytes());
        }
        assert!(survey.is_decided(), "{step}");
        assert_eq!(fits(survey.decide()).unit(), Some(Unit::Seconds));
    }
}

#[test]
fn a_bad_value_among_good_ones_is_a_bad_row_and_no_doubt() {
    let texts = [
        "2021-01-04",
        "n/a",
        "2021-01-06",
        "",
        "2021-01-07",
        "Total",
        "2021-01-08",
        "1622505600",
    ];
    let reading = fits(decide("1d", &texts));
    let (times, _) = read(&reading, "1d", &texts);
    let good: Vec<bool> = times.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true, false, true, false, true, false]);
    let fault = times[1].clone().expect_err("no time");
    assert!(fault.contains("%Y-%m-%d"), "{fault}");
}

#[test]
fn after_the_survey_a_value_in_another_form_or_out_of_range_is_a_bad_row() {
    let reading = fits(decide(
        "1d",
        &["2021-01-04", "2021-01-05", "2021-01-06", "2021-01-07"],
    ));
    for text in [
        "2021/01/08",
        "20210108",
        "08.01.2021",
        "1610064000",
        "2021-02-30",
        "2204-01-04",
        "1899-12-31",
        "2021-01-08T24:00",
        "2021-01-08T10:60",
        "2021-01-08T10:00:60",
        "2021-01-08T10:00:00.",
        "2021-01-08T",
        "2021-01-08T10:00+24",
        "2021-01-08T10:00+1",
        "2021-01-08T10:00 Mars/Phobos",
        "2021-01-08x",
        "",
        "２０２１-01-08",
    ] {
        let (times, _) = read(&reading, "1d", &[text]);
        assert!(times[0].is_err(), "{text}: {times:?}");
    }
    let long = format!("2021-01-08 10:00 {}", "x".repeat(100));
    assert!(read(&reading, "1d", &[long]).0[0].is_err());
}

#[test]
fn a_named_zone_changes_its_clocks() {
    let new_york = zone("America/New_York");
    let texts = [
        "2021-03-12 09:30",
        "2021-03-12 09:35",
        "2021-03-12 09:40",
        "2021-03-15 09:30",
    ];
    let (times, reading, facts) = times(&new_york, "5m", &texts);
    assert_eq!(times[0], "2021-03-12T14:30Z");
    assert_eq!(times[3], "2021-03-15T13:30Z");
    assert_eq!(
        (reading.zone(), facts.zone_assumed),
        ("America/New_York", false)
    );
    // A time that does not exist is a bad row.
    let (times, _) = read(
        &reading,
        "5m",
        &["2021-03-14 01:55", "2021-03-14 02:30", "2021-03-14 03:00"],
    );
    assert_eq!(times[0].as_deref(), Ok("2021-03-14T06:55Z"));
    assert!(
        times[1]
            .as_ref()
            .is_err_and(|fault| fault.contains("put forward")),
        "{times:?}"
    );
    assert_eq!(times[2].as_deref(), Ok("2021-03-14T07:00Z"));
}

#[test]
fn the_order_of_the_rows_decides_which_of_two_hours_it_is() {
    let new_york = zone("America/New_York");
    let clock = |minute: i64| format!("2021-11-07 {:02}:{:02}", minute / 60, minute % 60);
    // Midnight to two, the second hour twice, on to three.
    let minutes: Vec<i64> = (0..120).step_by(30).chain((60..180).step_by(30)).collect();
    let mut texts: Vec<String> = minutes.into_iter().map(clock).collect();
    let reading = fits(decide_with(&new_york, "30m", None, &texts));
    let expected: Vec<String> = (0..8)
        .map(|row| {
            Timestamp::from_millis(1_636_257_600_000 + row * 1_800_000)
                .to_string()
                .replace(":00.000Z", "Z")
        })
        .collect();
    let good = |(times, _): (Vec<Result<String, String>>, Facts)| -> Vec<String> {
        times
            .into_iter()
            .map(|time| time.expect("a time"))
            .collect()
    };
    assert_eq!(good(read(&reading, "30m", &texts)), expected);
    texts.reverse();
    let reading = fits(decide_with(&new_york, "30m", None, &texts));
    let mut times = good(read(&reading, "30m", &texts));
    times.reverse();
    assert_eq!(times, expected);
    // Without an order nobody knows.
    texts.sort_by_key(|text| text.bytes().rev().collect::<Vec<u8>>());
    let reading = fits(decide_with(
        &new_york,
        "30m",
        None,
        &[texts.clone(), texts.clone()].concat(),
    ));
    let (times, _) = read(
        &Reading {
            direction: None,
            ..reading
        },
        "30m",
        &texts,
    );
    let faults: Vec<_> = times.into_iter().filter_map(Result::err).collect();
    assert_eq!(faults.len(), 4);
    assert!(faults[0].contains("put back"), "{faults:?}");
}

#[test]
fn numbers_of_days_take_the_date_in_the_zone_that_was_said() {
    // Midnight in Berlin.
    let texts = ["1609714800", "1609801200", "1609887600", "1609974000"];
    let (times, ..) = times(&zone("Europe/Berlin"), "1d", &texts);
    assert_eq!(
        times,
        ["04", "05", "06", "07"].map(|day| format!("2021-01-{day}T00:00Z"))
    );
}

#[test]
fn a_zone_that_nobody_said_is_assumed_where_it_matters() {
    for (asked, name, text, assumed) in [
        ("", "1h", "2021-01-04 10:00", true),
        ("", "1h", "20210104 1000", true),
        ("", "1h", "2021-01-04", false),
        ("", "1h", "2021-01-04T10:00Z", false),
        ("", "1h", "2021-01-04 10:00 UTC", false),
        ("UTC", "1h", "2021-01-04 10:00", false),
        ("", "1h", "1609754400", false),
        ("", "1d", "2021-01-04", false),
        ("", "1d", "20210104 000000", false),
        ("", "1d", "2021-01-04 16:00", true),
        ("", "1d", "2021-01-04 16:00-05:00", false),
        ("", "1d", "1609770600", true),
        ("UTC", "1d", "1609770600", false),
    ] {
        let asked = if asked.is_empty() {
            Asked::default()
        } else {
            zone(asked)
        };
        let (_, _, facts) = times(&asked, name, &[text]);
        assert_eq!(facts.zone_assumed, assumed, "{text}");
    }
    // A header such as `Gmt time` says it, too.
    let header = Survey::new(
        &Asked::default(),
        timeframe("1h"),
        None,
        today(),
        Some(Zone::UTC),
    );
    let mut survey = header.expect("nothing was asked");
    survey.see(b"2021-01-04 10:00");
    let (_, facts) = read(&fits(survey.decide()), "1h", &["2021-01-04 10:00"]);
    assert!(!facts.zone_assumed);
}

#[test]
fn zones_that_change_are_counted_and_daylight_saving_is_no_change() {
    for (texts, mixed) in [
        (
            "2021-01-04 10:00-05:00|2021-07-04 10:00-04:00|2021-12-04 10:00-05:00",
            0,
        ),
        ("2021-01-04 10:00-05:00|2021-07-04 10:00-03:00", 1),
        ("2021-01-04 10:00-05:00|2021-01-04 11:00", 1),
        ("2021-01-04 10:00|2021-01-04 11:00Z|2021-01-04 12:00", 2),
        ("2021-01-04 10:00 US/Eastern|2021-01-04 11:00 US/Central", 1),
        ("2021-01-04 10:00 EST|2021-07-04 10:00 EDT", 0),
        ("2021-01-04 10:00 CET|2021-07-04 10:00 CEST", 0),
        ("2021-01-04 10:00 CET|2021-07-04 10:00 PST", 1),
        (
            "2021-01-04 10:00 Z|2021-01-04 11:00 UTC|2021-01-04 12:00+00:00",
            0,
        ),
    ] {
        let texts: Vec<&str> = texts.split('|').collect();
        let (_, _, facts) = times(&Asked::default(), "1h", &texts);
        assert_eq!(facts.mixed_zones, mixed, "{texts:?}");
    }
}

#[test]
fn a_zone_is_read_by_name_or_offset_and_else_refused() {
    for (text, name) in [
        ("America/New_York", "America/New_York"),
        ("US/Eastern", "US/Eastern"),
        ("UTC", "UTC"),
        ("gmt", "UTC"),
        ("Z", "UTC"),
        ("UTC-5", "UTC-05:00"),
        ("UTC+05:30", "UTC+05:30"),
        ("GMT+10", "UTC+10:00"),
        ("-05:00", "UTC-05:00"),
        ("+0530", "UTC+05:30"),
        ("EST", "UTC-05:00"),
        ("Etc/GMT+5", "Etc/GMT+5"),
    ] {
        assert_eq!(
            Zone::parse(text).map(|zone| zone.to_string()).as_deref(),
            Ok(name),
            "{text}"
        );
        let again = Zone::parse(name).expect("what is shown is read");
        assert_eq!(again.to_string(), name);
    }
    for text in [
        "",
        "Mars/Phobos",
        "CST",
        "IST",
        "UTC-",
        "UTC5",
        "+25:00",
        "5",
        "+5:00x",
        "../etc/passwd",
    ] {
        let fault = Zone::parse(text).expect_err("no zone");
        assert_eq!(fault.field, "time_zone");
        assert!(
            fault.message.contains("America/New_York"),
            "{}",
            fault.message
        );
    }
    assert!(Zone::parse(&"x".repeat(10_000)).is_err_and(|fault| fault.message.len() < 400));
}

#[test]
fn a_format_that_was_said_is_the_only_reading() {
    for (asked, texts, first) in [
        (
            "%d/%m/%Y",
            "04/01/2021|05/01/2021|06/01/2021|07/01/2021",
            "2021-01-04T00:00Z",
        ),
        (
            "%m/%d/%Y",
            "01/04/2021|01/05/2021|01/06/2021|01/07/2021",
            "2021-01-04T00:00Z",
        ),
        (
            "%d%m%Y",
            "04012021|05012021|06012021|07012021",
            "2021-01-04T00:00Z",
        ),
        ("%y%m%d", "980102|980103|980104|980105", "1998-01-02T00:00Z"),
        (
            "%d/%m/%y",
            "04/01/55|05/01/55|06/01/55|07/01/55",
            "1955-01-04T00:00Z",
        ),
        (
            "%Y-%j",
            "2021-004|2021-005|2021-006|2021-007",
            "2021-01-04T00:00Z",
        ),
        (
            "%s",
            "1609718400|1609804800|1609891200|1609977600",
            "2021-01-04T00:00Z",
        ),
        (
            "%s",
            "1609718400000|1609804800000|1609891200000|1609977600000",
            "2021-01-04T00:00Z",
        ),
        (
            "%s%3f",
            "1609718400000|1609804800000|1609891200000|1609977600000",
            "2021-01-04T00:00Z",
        ),
        (
            "%Y-%m-%d CST",
            "2021-01-04 CST|2021-01-05 CST|2021-01-06 CST|2021-01-07 CST",
            "2021-01-04T00:00Z",
        ),
        (
            "%Y-%m-%d %H",
            "2021-01-04 10|2021-01-05 10|2021-01-06 10|2021-01-07 10",
            "2021-01-04T00:00Z",
        ),
    ] {
        let texts: Vec<&str> = texts.split('|').collect();
        let (times, ..) = times(&format(asked), "1d", &texts);
        assert_eq!(times[0], first, "{asked}");
    }
    let hours = [
        "2021-01-04T10:00Z",
        "2021-01-04T11:00Z",
        "2021-01-04T12:00Z",
        "2021-01-04T13:00Z",
    ];
    let (_, _, facts) = times(&format("%Y-%m-%dT%H:%MZ"), "1h", &hours);
    assert!(!facts.zone_assumed, "a Z is UTC");
    for wrong in [
        "%",
        "%q",
        "",
        "%H:%M",
        "%Y-%m",
        "%d/%m",
        "%Z %Y-%m-%d",
        &"%Y".repeat(100),
    ] {
        let fault = Survey::new(&format(wrong), timeframe("1d"), None, today(), None);
        let fault = fault.expect_err("no format");
        assert_eq!(fault.field, "time_format");
        assert!(fault.message.contains("%Y-%m-%d"), "{}", fault.message);
    }
    let decision = decide_with(
        &format("%d/%m/%Y"),
        "1d",
        None,
        &["2021-01-04", "2021-01-05"],
    );
    let Decision::Refused(fault) = decision else {
        panic!("{decision:?}")
    };
    assert!(
        fault.message.contains("fits 0 of 2") && fault.message.contains("2021-01-04"),
        "{fault}"
    );
}

#[test]
fn fractions_are_cut_to_milliseconds() {
    for (text, expected) in [
        ("2004-08-19T13:30:05.25Z", "2004-08-19T13:30:05.250Z"),
        ("2004-08-19T13:30:05.123999999Z", "2004-08-19T13:30:05.123Z"),
        ("2004-08-19T13:30:05,5+00:00", "2004-08-19T13:30:05.500Z"),
        ("2004-08-19 13:30:05-0330", "2004-08-19T17:00:05.000Z"),
    ] {
        let reading = fits(decide("1s", &["2004-08-19 13:30:05"]));
        let (times, _) = read(&reading, "1s", &[text]);
        assert_eq!(times[0].as_deref(), Ok(expected), "{text}");
    }
}

/// How a time may be written, in the words of chrono: dates alone, and with times of day.
const DATES: [&str; 16] = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%-d.%-m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%-m/%-d/%Y",
    "%d-%m-%Y",
    "%d-%b-%Y",
    "%-d %B %Y",
    "%b %d, %Y",
    "%A, %B %-d, %Y",
    "%d.%m.%y",
    "%Y-%b-%d",
];
const CLOCKS: [&str; 12] = [
    "T%H:%M:%S",
    " %H:%M:%S",
    " %H:%M:%S%.3f",
    "  %-H:%M:%S",
    "_%H:%M:%S",
    " %H%M%S",
    " %I:%M:%S %p",
    ", %I:%M:%S%p",
    "T%H:%M:%SZ",
    " %H:%M:%S%:z",
    " %H:%M:%S %z",
    " %H:%M:%S UTC",
];
const NUMBERS: [&str; 6] = ["%s", "%s%3f", "%s%6f", "%s%9f", "%Y%m%d%H%M%S", "%s.0"];

fn written(time: i64, format: &str) -> String {
    let time = chrono::DateTime::from_timestamp_millis(time)
        .expect("a time")
        .fixed_offset();
    time.format(format).to_string()
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 512, ..Default::default() })]

    #[test]
    fn what_is_decided_gives_the_times_back(
        date in 0..DATES.len(),
        clock in 0..CLOCKS.len(),
        number in 0..NUMBERS.len() * 3,
        name in proptest::sample::select(vec!["1s", "5s", "1m", "5m", "1h", "4h", "1d", "1w", "1mo"]),
        // Numbers of January 1970 are taken for those of a larger unit.
        start in 3_000_000_i64..1_200_000_000,
        gaps in proptest::collection::vec(0_usize..20, 4..60),
        order in 0_u64..3,
    ) {
        let timeframe = timeframe(name);
        // Most bars follow each other, and here and there some are missing.
        let mut time = timeframe.floor(Timestamp::from_millis(start * 1_000));
        let mut times = vec![time];
        for gap in gaps {
            for _ in 0..(if gap > 16 { gap - 14 } else { 1 }) {
                time = timeframe.next(time);
            }
            times.push(time);
        }
        match order {
            0 => {}
            1 => times.reverse(),
            _ => times.sort_by_key(|time| time.as_millis().wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64)),
        }
        let format = match NUMBERS.get(number) {
            Some(format) => (*format).to_owned(),
            None if timeframe.is_of_dates() && clock > 8 => DATES[date].to_owned(),
            None => format!("{}{}", DATES[date], CLOCKS[clock]),
        };
        let texts: Vec<String> = times.iter().map(|time| written(time.as_millis(), &format)).collect();
        match decide_with(&Asked::default(), name, None, &texts) {
            Decision::Fits(reading) => {
                let mut clock = Clock::new(reading, timeframe);
                for (text, time) in texts.iter().zip(&times) {
                    proptest::prop_assert_eq!(clock.read(text.as_bytes()), Ok(*time), "{} {}", text, name);
                }
            }
            Decision::Doubt(doubt) => {
                let is_open = doubt.code == "DAY_MONTH_AMBIGUOUS"
                    // Years of two digits may be days.
                    || (doubt.code == "TIME_AMBIGUOUS" && format.contains("%y"))
                    || doubt.code == "SPACING_UNEXPECTED"
                    || (doubt.code == "DATE_MISSING" && start < 90_000);
                proptest::prop_assert!(is_open, "{}: {} {:?}", name, format, doubt);
                // The spacing is doubted where holes are as common as bars.
                if doubt.code == "SPACING_UNEXPECTED" {
                    let mut sorted: Vec<i64> = times.iter().map(|time| time.as_millis()).collect();
                    sorted.sort_unstable();
                    let next = sorted.windows(2).filter(|pair| {
                        timeframe.next(Timestamp::from_millis(pair[0])).as_millis() == pair[1]
                    });
                    proptest::prop_assert!(next.count() * 2 <= sorted.len(), "{}: {} {:?}", name, format, doubt);
                }
            }
            Decision::Refused(fault) => proptest::prop_assert!(false, "{}", fault),
        }
    }

    #[test]
    fn no_text_breaks_a_survey_or_a_clock(
        texts in proptest::collection::vec("[-+0-9TZDaApPmMe.:/, \\[\\(_]{0,24}|[0-9]{1,22}|\\PC{0,20}", 0..12),
        name in proptest::sample::select(vec!["1s", "1h", "1d", "1mo"]),
    ) {
        if let Decision::Fits(reading) = decide_with(&Asked::default(), name, None, &texts) {
            let _ = read(&reading, name, &texts);
        }
    }
}
