from mtkit.text.cleaning import CleaningReport, clean


def cleaned(pairs: list[tuple[str, str]], max_ratio: float = 9.0) -> tuple[list[tuple[str, str]], CleaningReport]:
    report = CleaningReport()
    return list(clean(pairs, report, max_ratio=max_ratio)), report


def test_a_blank_side_drops_the_pair_and_not_the_line() -> None:
    pairs = [("a", "x"), ("", "y"), ("c", " \t\u3000"), ("", ""), ("\u2581", "w"), ("e", "v")]
    kept, report = cleaned(pairs)
    assert kept == [("a", "x"), ("e", "v")]
    assert report == CleaningReport(total=6, blank=4)
    assert report.kept == 2


def test_a_large_ratio_counts_only_where_the_longer_side_is_long() -> None:
    short, long, longest = ("Go.", "x" * 20), ("a" * 30, "x" * 10), ("a" * 31, "x" * 10)
    kept, report = cleaned([short, long, longest, longest[::-1]], max_ratio=3)
    assert kept == [short, long]
    assert report == CleaningReport(total=4, ratio=2)


def test_lengths_are_those_of_normalised_text() -> None:
    kept, report = cleaned([("a" + " " * 50, "x")], max_ratio=2)
    assert kept == [("a", "x")]
    assert report.ratio == 0


def test_duplicates_stay() -> None:
    assert cleaned([("a", "x")] * 3)[0] == [("a", "x")] * 3


def test_sides_are_normalised_each_in_its_way() -> None:
    assert cleaned([("½ ﬁsh\u2028", "½\x00ﬁsh")])[0] == [("1⁄2 fish", "½ ﬁsh")]


def test_report_names_only_the_reasons_that_dropped_something() -> None:
    assert CleaningReport(total=1_234, blank=4, long=30).lines() == [
        "1,200 of 1,234 pairs kept",
        "4 dropped with a blank side",
        "30 dropped with too long a side",
    ]
