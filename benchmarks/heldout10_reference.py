"""Known answers of the goals of `heldout10`, computed with pandas alone."""

from __future__ import annotations

from benchmarks.reference import Known, Tables, known, month, rows, winner


@known
def t_rasch_weight(t: Tables) -> Known:
    p = t["parcels"]
    return [p.loc[p.carrier == "Rasch", "weight_kg"].mean()]


@known
def t_five_points(t: Tables) -> Known:
    return [int((t["bookshop_orders"].rating == 5).sum())]


@known
def t_farthest_returned(t: Tables) -> Known:
    p = t["parcels"]
    return [int(p.loc[p.status == "returned", "distance_km"].max())]


@known
def t_slowest_branch(t: Tables) -> Known:
    return [winner(t["library_loans"].groupby("branch").days_kept.mean())]


@known
def t_warm_and_humid(t: Tables) -> Known:
    w = t["weather"].dropna(subset=["temperature_c", "humidity_pct"])
    return [w.temperature_c.corr(w.humidity_pct)]


@known
def t_thinnest_books(t: Tables) -> Known:
    thinnest = t["books"].sort_values("pages").head(4)
    return [rows(thinnest[["title", "pages"]])]


@known
def t_favourite_genre(t: Tables) -> Known:
    joined = t["bookshop_orders"].merge(t["books"], on="book_id")
    return [winner(joined.groupby("genre").copies.sum())]


@known
def t_rain_in_hills(t: Tables) -> Known:
    joined = t["weather"].merge(t["stations"], on="station")
    return [joined.loc[joined.region == "Hills", "rainfall_mm"].sum()]


@known
def t_leeds_unrated(t: Tables) -> Known:
    o = t["bookshop_orders"]
    return [int(((o.city == "Leeds") & o.rating.isna()).sum())]


@known
def t_parcel_outcomes(t: Tables) -> Known:
    return [rows(t["parcels"].groupby("status").size().reset_index())]


@known
def t_windiest_month(t: Tables) -> Known:
    w = t["weather"]
    return [int(winner(w.groupby(month(w.date)).wind_kmh.mean()))]


@known
def t_northern_newcomers(t: Tables) -> Known:
    e = t["employee_survey"]
    return [e.loc[(e.site == "North") & (e.tenure_years < 2), "satisfaction"].mean()]


@known
def t_rated_copies(t: Tables) -> Known:
    return [t["bookshop_orders"].dropna(subset=["rating"]).copies.mean()]


@known
def t_price_of_a_page(t: Tables) -> Known:
    return [(t["books"].list_price / t["books"].pages).mean()]


@known
def t_warmth_chart(_: Tables) -> Known:
    return [None]


@known
def t_child_fines_file(t: Tables) -> Known:
    loans = t["library_loans"]
    fined = loans[(loans.member_type == "child") & (loans.fine > 1)]
    return [rows(fined[["loan_id", "member_id", "fine"]])]


@known
def t_slow_carrier_and_weight(t: Tables) -> Known:
    p = t["parcels"]
    return [winner(p.groupby("carrier").days.mean()), p.weight_kg.corr(p.price)]


@known
def t_staff_report(t: Tables) -> Known:
    e = t["employee_survey"]
    age, department = e.age.mean(), winner(e.groupby("department").salary.mean())
    return [len(e), age, department, [len(e), age, department]]


@known
def t_featherweights_file(t: Tables) -> Known:
    p = t["parcels"]
    light = p[p.weight_kg < 0.4].sort_values("weight_kg")
    return [len(light), rows(light[["parcel_id", "weight_kg"]])]


@known
def t_loans_by_branch_and_member(t: Tables) -> Known:
    return [rows(t["library_loans"].groupby(["branch", "member_type"]).size().reset_index())]
