"""Known answers of the goals of `heldout8`, computed with pandas alone."""

from __future__ import annotations

from benchmarks.reference import Known, Tables, known, month, rows, winner


@known
def k_express_weight(t: Tables) -> Known:
    p = t["parcels"]
    return [p.loc[p.service == "express", "weight_kg"].mean()]


@known
def k_audiobook_loans(t: Tables) -> Known:
    return [int((t["library_loans"].category == "audiobook").sum())]


@known
def k_saltmarsh_storm(t: Tables) -> Known:
    w = t["weather"]
    return [w.loc[w.station == "Saltmarsh", "wind_kmh"].max()]


@known
def k_thickest_genre(t: Tables) -> Known:
    return [winner(t["books"].groupby("genre").pages.mean())]


@known
def k_commute_and_mood(t: Tables) -> Known:
    e = t["employee_survey"]
    return [e.commute_minutes.corr(e.satisfaction)]


@known
def k_longest_books(t: Tables) -> Known:
    longest = t["books"].sort_values("pages", ascending=False).head(4)
    return [rows(longest[["title", "pages"]])]


@known
def k_best_selling_genre(t: Tables) -> Known:
    joined = t["bookshop_orders"].merge(t["books"], on="book_id")
    return [winner(joined.groupby("genre").copies.sum())]


@known
def k_lowland_warmth(t: Tables) -> Known:
    joined = t["weather"].merge(t["stations"], on="station")
    return [joined.loc[joined.altitude_m < 100, "temperature_c"].dropna().mean()]


@known
def k_unrated_orders(t: Tables) -> Known:
    return [int(t["bookshop_orders"].rating.isna().sum())]


@known
def k_parcel_fates(t: Tables) -> Known:
    return [rows(t["parcels"].groupby("status").size().reset_index())]


@known
def k_wettest_month(t: Tables) -> Known:
    w = t["weather"]
    return [int(winner(w.groupby(month(w.date)).rainfall_mm.sum()))]


@known
def k_mill_lane_children(t: Tables) -> Known:
    loans = t["library_loans"]
    return [loans.loc[(loans.branch == "Mill Lane") & (loans.member_type == "child"), "days_kept"].mean()]


@known
def k_median_pay(t: Tables) -> Known:
    return [t["employee_survey"].salary.dropna().median()]


@known
def k_bookshop_takings(t: Tables) -> Known:
    o = t["bookshop_orders"]
    return [(o.copies * o.unit_price).sum()]


@known
def k_genre_price_chart(_: Tables) -> Known:
    return [None]


@known
def k_crime_shelf(t: Tables) -> Known:
    b = t["books"]
    return [rows(b.loc[b.genre == "crime", ["book_id", "title", "genre", "list_price", "pages"]])]


@known
def k_slowest_carrier(t: Tables) -> Known:
    p = t["parcels"].dropna(subset=["days"])
    return [winner(p.groupby("carrier").days.mean()), p.distance_km.corr(p.days)]


@known
def k_library_facts(t: Tables) -> Known:
    loans = t["library_loans"]
    fines, category = loans.fine.sum(), winner(loans.groupby("category").size())
    return [len(loans), fines, category, [len(loans), fines, category]]


@known
def k_pricey_parcels(t: Tables) -> Known:
    p = t["parcels"]
    top = p[p.price > 20].sort_values("price", ascending=False)
    return [len(top), rows(top[["parcel_id", "price"]])]


@known
def k_mood_by_department_and_site(t: Tables) -> Known:
    return [rows(t["employee_survey"].groupby(["department", "site"]).satisfaction.mean().reset_index())]
