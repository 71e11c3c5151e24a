"""Known answers of the goals of `heldout6`, computed with pandas alone."""

from __future__ import annotations

from benchmarks.reference import Known, Tables, known, month, rows, winner


@known
def returned_weight(t: Tables) -> Known:
    p = t["parcels"]
    return [p.loc[p.status == "returned", "weight_kg"].mean()]


@known
def dozen_orders(t: Tables) -> Known:
    return [int((t["bookshop_orders"].copies == 12).sum())]


@known
def eastside_longest(t: Tables) -> Known:
    loans = t["library_loans"]
    return [int(loans.loc[loans.branch == "Eastside", "days_kept"].max())]


@known
def happier_site(t: Tables) -> Known:
    return [winner(t["employee_survey"].groupby("site").satisfaction.mean())]


@known
def humidity_and_temperature(t: Tables) -> Known:
    w = t["weather"].dropna(subset=["humidity_pct", "temperature_c"])
    return [w.humidity_pct.corr(w.temperature_c)]


@known
def heaviest_six(t: Tables) -> Known:
    heaviest = t["parcels"].sort_values("weight_kg", ascending=False).head(6)
    return [rows(heaviest[["parcel_id", "weight_kg"]])]


@known
def slowest_genre(t: Tables) -> Known:
    joined = t["bookshop_orders"].merge(t["books"], on="book_id")
    return [winner(-joined.groupby("genre").copies.sum())]


@known
def hills_humidity(t: Tables) -> Known:
    joined = t["weather"].merge(t["stations"], on="station")
    return [joined.loc[joined.region == "Hills", "humidity_pct"].mean()]


@known
def silent_web_orders(t: Tables) -> Known:
    o = t["bookshop_orders"]
    return [int(((o.channel == "web") & o.rating.isna()).sum())]


@known
def rain_by_station(t: Tables) -> Known:
    return [rows(t["weather"].groupby("station").rainfall_mm.sum().reset_index())]


@known
def gustiest_month(t: Tables) -> Known:
    w = t["weather"]
    return [int(winner(w.groupby(month(w.date)).wind_kmh.mean()))]


@known
def young_north_satisfaction(t: Tables) -> Known:
    e = t["employee_survey"]
    return [e.loc[(e.site == "North") & (e.age < 30), "satisfaction"].mean()]


@known
def timed_parcel_weight(t: Tables) -> Known:
    p = t["parcels"]
    return [p.loc[p.days.notna(), "weight_kg"].median()]


@known
def price_per_page(t: Tables) -> Known:
    return [(t["books"].list_price / t["books"].pages).mean()]


@known
def borrowers_chart(_: Tables) -> Known:
    return [None]


@known
def frost_file(t: Tables) -> Known:
    w = t["weather"]
    return [rows(w.loc[w.temperature_c < -2, ["date", "station", "temperature_c"]])]


@known
def youngest_department_and_pay(t: Tables) -> Known:
    e = t["employee_survey"]
    return [winner(-e.groupby("department").age.mean()), e.age.corr(e.salary)]


@known
def catalogue_report(t: Tables) -> Known:
    b = t["books"]
    count, price, title = len(b), b.list_price.median(), winner(b.set_index("title").list_price)
    return [count, price, title, [count, price, title]]


@known
def bargain_file(t: Tables) -> Known:
    p = t["parcels"]
    cheap = p[p.price < 4.75].sort_values("price")
    return [len(cheap), rows(cheap[["parcel_id", "carrier", "price"]])]


@known
def renewals_by_category_and_member(t: Tables) -> Known:
    return [rows(t["library_loans"].groupby(["category", "member_type"]).renewals.sum().reset_index())]
