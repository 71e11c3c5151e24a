"""Known answers of the goals of `heldout7`, computed with pandas alone."""

from __future__ import annotations

from benchmarks.reference import Known, Tables, known, month, rows, winner


@known
def h_poetry_pages(t: Tables) -> Known:
    b = t["books"]
    return [b.loc[b.genre == "poetry", "pages"].mean()]


@known
def h_student_cookbooks(t: Tables) -> Known:
    loans = t["library_loans"]
    return [int(((loans.category == "cookbook") & (loans.member_type == "student")).sum())]


@known
def h_heaviest_rasch(t: Tables) -> Known:
    p = t["parcels"]
    return [p.loc[p.carrier == "Rasch", "weight_kg"].max()]


@known
def h_least_pleased_city(t: Tables) -> Known:
    return [str(t["bookshop_orders"].groupby("city").rating.mean().idxmin())]


@known
def h_age_and_salary(t: Tables) -> Known:
    e = t["employee_survey"].dropna(subset=["salary"])
    return [e.age.corr(e.salary)]


@known
def h_wettest_readings(t: Tables) -> Known:
    wettest = t["weather"].sort_values("rainfall_mm", ascending=False).head(4)
    return [rows(wettest[["date", "station", "rainfall_mm"]])]


@known
def h_dampest_region(t: Tables) -> Known:
    joined = t["weather"].merge(t["stations"], on="station")
    return [winner(joined.groupby("region").humidity_pct.mean())]


@known
def h_bristol_crime_copies(t: Tables) -> Known:
    joined = t["bookshop_orders"].merge(t["books"], on="book_id")
    return [int(joined.loc[(joined.genre == "crime") & (joined.city == "Bristol"), "copies"].sum())]


@known
def h_north_salary_missing(t: Tables) -> Known:
    e = t["employee_survey"]
    return [int(e.loc[e.site == "North", "salary"].isna().sum())]


@known
def h_rain_by_station(t: Tables) -> Known:
    return [rows(t["weather"].groupby("station").rainfall_mm.sum().reset_index())]


@known
def h_costliest_parcel_month(t: Tables) -> Known:
    p = t["parcels"]
    return [int(winner(p.groupby(month(p.sent)).price.sum()))]


@known
def h_parkview_novel_days(t: Tables) -> Known:
    loans = t["library_loans"]
    return [loans.loc[(loans.branch == "Parkview") & (loans.category == "novel"), "days_kept"].mean()]


@known
def h_millbrook_humidity(t: Tables) -> Known:
    w = t["weather"]
    return [w.loc[w.station == "Millbrook", "humidity_pct"].dropna().median()]


@known
def h_age_at_joining(t: Tables) -> Known:
    e = t["employee_survey"]
    return [(e.age - e.tenure_years).mean()]


@known
def h_weight_price_scatter(_: Tables) -> Known:
    return [None]


@known
def h_eastside_slow_file(t: Tables) -> Known:
    loans = t["library_loans"]
    slow = loans[(loans.branch == "Eastside") & (loans.days_kept > 28)]
    return [rows(slow[["loan_id", "days_kept"]])]


@known
def h_dearest_genre_and_pages(t: Tables) -> Known:
    b = t["books"]
    return [winner(b.groupby("genre").list_price.mean()), b.pages.median()]


@known
def h_library_report(t: Tables) -> Known:
    loans = t["library_loans"]
    fines, category = loans.fine.sum(), winner(loans.groupby("category").renewals.sum())
    return [len(loans), fines, category, [len(loans), fines, category]]


@known
def h_heavy_parcels_file(t: Tables) -> Known:
    p = t["parcels"]
    heavy = p[p.weight_kg > 14].sort_values("weight_kg", ascending=False)
    return [len(heavy), rows(heavy[["parcel_id", "weight_kg"]])]


@known
def h_copies_by_city_and_channel(t: Tables) -> Known:
    return [rows(t["bookshop_orders"].groupby(["city", "channel"]).copies.sum().reset_index())]
