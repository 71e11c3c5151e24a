"""Known answers of the goals of `heldout9`, computed with pandas alone."""

from __future__ import annotations

from benchmarks.reference import Known, Tables, known, month, rows, winner


@known
def express_bill(t: Tables) -> Known:
    p = t["parcels"]
    return [p.loc[p.service == "express", "price"].sum()]


@known
def over_three_weeks(t: Tables) -> Known:
    return [int((t["library_loans"].days_kept > 21).sum())]


@known
def saltmarsh_gale(t: Tables) -> Known:
    w = t["weather"]
    return [w.loc[w.station == "Saltmarsh", "wind_kmh"].max()]


@known
def dearest_shelf(t: Tables) -> Known:
    return [winner(t["books"].groupby("genre").list_price.mean())]


@known
def travel_and_mood(t: Tables) -> Known:
    e = t["employee_survey"]
    return [e.commute_minutes.corr(e.satisfaction)]


@known
def heaviest_four(t: Tables) -> Known:
    heaviest = t["parcels"].sort_values("weight_kg", ascending=False).head(4)
    return [rows(heaviest[["parcel_id", "weight_kg"]])]


@known
def best_seller_genre(t: Tables) -> Known:
    joined = t["bookshop_orders"].merge(t["books"], on="book_id")
    return [winner(joined.groupby("genre").copies.sum())]


@known
def rain_up_high(t: Tables) -> Known:
    joined = t["weather"].merge(t["stations"], on="station")
    return [joined.loc[joined.altitude_m > 100, "rainfall_mm"].mean()]


@known
def unsaid_salaries(t: Tables) -> Known:
    return [int(t["employee_survey"].salary.isna().sum())]


@known
def contentment_by_department(t: Tables) -> Known:
    return [rows(t["employee_survey"].groupby("department").satisfaction.mean().reset_index())]


@known
def umbrella_month(t: Tables) -> Known:
    w = t["weather"]
    return [int(winner(w.groupby(month(w.date)).rainfall_mm.sum()))]


@known
def novels_for_children(t: Tables) -> Known:
    loans = t["library_loans"]
    return [int(((loans.category == "novel") & (loans.member_type == "child")).sum())]


@known
def joining_age(t: Tables) -> Known:
    e = t["employee_survey"]
    return [(e.age - e.tenure_years).median()]


@known
def web_takings(t: Tables) -> Known:
    o = t["bookshop_orders"]
    web = o[o.channel == "web"]
    return [(web.copies * web.unit_price).sum()]


@known
def loans_by_kind_chart(_: Tables) -> Known:
    return [None]


@known
def returned_parcels_file(t: Tables) -> Known:
    p = t["parcels"]
    return [rows(p.loc[p.status == "returned", ["parcel_id", "carrier"]])]


@known
def heavy_carrier_and_price(t: Tables) -> Known:
    p = t["parcels"]
    return [winner(p.groupby("carrier").weight_kg.mean()), p.weight_kg.corr(p.price)]


@known
def weather_year_report(t: Tables) -> Known:
    w = t["weather"]
    wet, humidity = int((w.rainfall_mm > 0).sum()), w.humidity_pct.mean()
    station = winner(w.groupby("station").rainfall_mm.sum())
    return [wet, humidity, station, [wet, humidity, station]]


@known
def pricey_books_file(t: Tables) -> Known:
    b = t["books"]
    pricey = b[b.list_price > 20].sort_values("list_price", ascending=False)
    return [len(pricey), rows(pricey[["title", "list_price"]])]


@known
def copies_by_town_and_channel(t: Tables) -> Known:
    return [rows(t["bookshop_orders"].groupby(["city", "channel"]).copies.sum().reset_index())]
