"""Known answers of the demo goals, computed with pandas alone: the toolchest has no part in them.

Each function gives, for its goal of the same name, the expected values in the order of the checks.
`tests/benchmarks` compares them with what the goals' files say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

Tables = Mapping[str, "pd.DataFrame"]
Known = list[object]
Reference = Callable[[Tables], Known]
_KNOWN: dict[str, Reference] = {}
PARTS = ("development", "development3", *(f"heldout{number}" for number in range(5, 11)))
"""Sets whose references lie in files of their own."""


def references() -> dict[str, Reference]:
    """Gives the references of all sets by the ids of their goals."""
    for part in PARTS:
        import_module(f"benchmarks.{part}_reference")
    return _KNOWN


def known(function: Reference) -> Reference:
    """Registers a reference under its function's name."""
    _KNOWN[function.__name__] = function
    return function


def rows(table: pd.DataFrame) -> list[list[object]]:
    """Gives a table's rows as plain lists."""
    return table.to_numpy(dtype=object).tolist()


def winner(series: pd.Series[float] | pd.Series[int]) -> str:
    """Gives the label of the largest value."""
    return str(series.idxmax())


def month(days: pd.Series[str]) -> pd.Series[int]:
    """Gives the months, 1 to 12, of days written as YYYY-MM-DD."""
    return days.str[5:7].astype(int)


# Development goals.


@known
def gentoo_mass(t: Tables) -> Known:
    p = t["penguins"]
    return [p.loc[p.species == "Gentoo", "body_mass_g"].mean()]


@known
def dream_count(t: Tables) -> Known:
    return [int((t["penguins"].island == "Dream").sum())]


@known
def heaviest_species(t: Tables) -> Known:
    return [winner(t["penguins"].groupby("species").body_mass_g.mean())]


@known
def flipper_mass_correlation(t: Tables) -> Known:
    return [t["penguins"].flipper_length_mm.corr(t["penguins"].body_mass_g)]


@known
def flipper_by_species_and_island(t: Tables) -> Known:
    return [rows(t["penguins"].groupby(["species", "island"]).flipper_length_mm.mean().reset_index())]


@known
def unknown_sex(t: Tables) -> Known:
    return [int(t["penguins"].sex.isna().sum())]


@known
def adelie_bill_spread(t: Tables) -> Known:
    p = t["penguins"]
    return [p.loc[p.species == "Adelie", "bill_length_mm"].std()]


@known
def flipper_chart(_: Tables) -> Known:
    return [None]


@known
def penguin_report(t: Tables) -> Known:
    p = t["penguins"]
    link = p.bill_length_mm.corr(p.body_mass_g)
    return [winner(p.groupby("species").body_mass_g.mean()), link, None, [link]]


@known
def coffee_revenue(t: Tables) -> Known:
    return [(t["coffee_sales"].quantity * t["coffee_sales"].price).sum()]


@known
def most_cups(t: Tables) -> Known:
    return [winner(t["coffee_sales"].groupby("drink").quantity.sum())]


@known
def best_month(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [int(winner(c.groupby(month(c.date)).quantity.sum()))]


@known
def best_rated_district(t: Tables) -> Known:
    joined = t["coffee_sales"].merge(t["coffee_shops"], on="shop")
    return [winner(joined.groupby("district").rating.mean())]


@known
def large_card_orders(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [int(((c["size"] == "large") & (c.payment == "card")).sum())]


@known
def harbour_cups(t: Tables) -> Known:
    joined = t["coffee_sales"].merge(t["coffee_shops"], on="shop")
    return [int(joined.loc[joined.district == "Harbour", "quantity"].sum())]


@known
def electric_median(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.loc[b.bike_type == "electric", "minutes"].median()]


@known
def long_trip_distance(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.loc[b.minutes > 30, "distance_km"].mean()]


@known
def longest_trips(t: Tables) -> Known:
    longest = t["bike_trips"].sort_values("minutes", ascending=False).head(3)
    return [rows(longest[["trip_id", "minutes"]])]


@known
def trips_by_type(t: Tables) -> Known:
    return [rows(t["bike_trips"].groupby("bike_type").size().reset_index())]


@known
def riders_and_chart(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.age.mean(), winner(b.groupby("station").distance_km.sum()), None]


@known
def rated_price_median(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [c.loc[c.rating.notna(), "price"].median()]


@known
def known_age_median(t: Tables) -> Known:
    return [t["bike_trips"].age.median()]


@known
def distance_spread_and_age(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.distance_km.std(), b.age.mean()]


@known
def seats_and_district(t: Tables) -> Known:
    s = t["coffee_shops"]
    return [s.seats.mean(), winner(s.groupby("district").seats.mean())]


@known
def trips_by_station(t: Tables) -> Known:
    counted = t["bike_trips"].groupby("station").size().reset_index(name="count")
    return [rows(counted)]


@known
def island_count_and_flipper(t: Tables) -> Known:
    p = t["penguins"]
    return [rows(p.groupby("island").size().reset_index(name="count")), p.flipper_length_mm.mean()]


@known
def bills_histogram(_: Tables) -> Known:
    return [None]


@known
def cash_quantity_average(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [c.loc[c.payment == "cash", "quantity"].mean()]


# Goals of `heldout`.


@known
def logistics_satisfaction(t: Tables) -> Known:
    e = t["employee_survey"]
    return [e.loc[e.department == "Logistics", "satisfaction"].mean()]


@known
def returned_parcels(t: Tables) -> Known:
    return [int((t["parcels"].status == "returned").sum())]


@known
def strongest_wind(t: Tables) -> Known:
    w = t["weather"]
    return [w.loc[w.station == "Hollow Point", "wind_kmh"].max()]


@known
def longest_kept_category(t: Tables) -> Known:
    return [winner(t["library_loans"].groupby("category").days_kept.mean())]


@known
def commute_satisfaction(t: Tables) -> Known:
    return [t["employee_survey"].commute_minutes.corr(t["employee_survey"].satisfaction)]


@known
def dearest_parcels(t: Tables) -> Known:
    dearest = t["parcels"].sort_values("price", ascending=False).head(5)
    return [rows(dearest[["parcel_id", "price"]])]


@known
def best_selling_genre(t: Tables) -> Known:
    joined = t["bookshop_orders"].merge(t["books"], on="book_id")
    return [winner(joined.groupby("genre").copies.sum())]


@known
def coast_temperature(t: Tables) -> Known:
    joined = t["weather"].merge(t["stations"], on="station")
    return [joined.loc[joined.region == "Coast", "temperature_c"].mean()]


@known
def unrated_orders(t: Tables) -> Known:
    return [int(t["bookshop_orders"].rating.isna().sum())]


@known
def loans_by_branch(t: Tables) -> Known:
    return [rows(t["library_loans"].groupby("branch").size().reset_index())]


@known
def wettest_month(t: Tables) -> Known:
    w = t["weather"]
    return [int(winner(w.groupby(month(w.date)).rainfall_mm.sum()))]


@known
def heavy_express_days(t: Tables) -> Known:
    p = t["parcels"]
    return [p.loc[(p.service == "express") & (p.weight_kg > 5), "days"].mean()]


@known
def median_salary(t: Tables) -> Known:
    return [t["employee_survey"].salary.dropna().median()]


@known
def bookshop_revenue(t: Tables) -> Known:
    return [(t["bookshop_orders"].copies * t["bookshop_orders"].unit_price).sum()]


@known
def carrier_chart(t: Tables) -> Known:
    return [None]


@known
def overdue_file(t: Tables) -> Known:
    loans = t["library_loans"]
    return [rows(loans.loc[loans.days_kept > 28, ["loan_id", "days_kept"]])]


@known
def slow_carrier_and_price(t: Tables) -> Known:
    p = t["parcels"]
    return [winner(p.groupby("carrier").days.mean()), p.weight_kg.corr(p.price)]


@known
def staff_report(t: Tables) -> Known:
    e = t["employee_survey"]
    tenure = e.tenure_years.mean()
    return [len(e), tenure, winner(e.groupby("department").salary.mean()), [tenure]]


@known
def heavy_rain_file(t: Tables) -> Known:
    w = t["weather"]
    heavy = w[w.rainfall_mm > 20].sort_values("rainfall_mm", ascending=False)
    return [len(heavy), rows(heavy[["station", "rainfall_mm"]])]


@known
def salary_by_department_and_site(t: Tables) -> Known:
    return [rows(t["employee_survey"].groupby(["department", "site"]).salary.mean().reset_index())]


# Goals of `heldout2`.


@known
def zugvogel_distance(t: Tables) -> Known:
    p = t["parcels"]
    return [p.loc[p.carrier == "Zugvogel", "distance_km"].mean()]


@known
def renewed_twice(t: Tables) -> Known:
    return [int((t["library_loans"].renewals == 2).sum())]


@known
def coldest_upper_fold(t: Tables) -> Known:
    w = t["weather"]
    return [w.loc[w.station == "Upper Fold", "temperature_c"].min()]


@known
def longest_commutes(t: Tables) -> Known:
    return [winner(t["employee_survey"].groupby("department").commute_minutes.mean())]


@known
def pages_and_price(t: Tables) -> Known:
    return [t["books"].pages.corr(t["books"].list_price)]


@known
def longest_serving(t: Tables) -> Known:
    longest = t["employee_survey"].sort_values("tenure_years", ascending=False).head(5)
    return [rows(longest[["employee", "tenure_years"]])]


@known
def windiest_region(t: Tables) -> Known:
    joined = t["weather"].merge(t["stations"], on="station")
    return [winner(joined.groupby("region").wind_kmh.mean())]


@known
def children_rating(t: Tables) -> Known:
    joined = t["bookshop_orders"].merge(t["books"], on="book_id")
    return [joined.loc[joined.genre == "children", "rating"].mean()]


@known
def humidity_gaps(t: Tables) -> Known:
    return [int(t["weather"].humidity_pct.isna().sum())]


@known
def orders_by_channel(t: Tables) -> Known:
    return [rows(t["bookshop_orders"].groupby("channel").size().reset_index())]


@known
def busiest_loan_month(t: Tables) -> Known:
    loans = t["library_loans"]
    return [int(winner(loans.groupby(month(loans.borrowed_on)).size()))]


@known
def older_assembly_salary(t: Tables) -> Known:
    e = t["employee_survey"]
    return [e.loc[(e.department == "Assembly") & (e.age > 50), "salary"].mean()]


@known
def median_temperature(t: Tables) -> Known:
    return [t["weather"].temperature_c.dropna().median()]


@known
def price_per_kilogram(t: Tables) -> Known:
    return [(t["parcels"].price / t["parcels"].weight_kg).mean()]


@known
def fines_chart(_: Tables) -> Known:
    return [None]


@known
def lost_file(t: Tables) -> Known:
    p = t["parcels"]
    return [rows(p.loc[p.status == "lost", ["parcel_id", "weight_kg"]])]


@known
def members_and_renewals(t: Tables) -> Known:
    loans = t["library_loans"]
    return [winner(loans.groupby("member_type").days_kept.mean()), loans.days_kept.corr(loans.renewals)]


@known
def bookshop_report(t: Tables) -> Known:
    o = t["bookshop_orders"]
    price, city = o.unit_price.mean(), winner(o.groupby("city").copies.sum())
    return [len(o), price, city, [len(o), price, city]]


@known
def top_earners_file(t: Tables) -> Known:
    e = t["employee_survey"]
    top = e[e.salary > 60000].sort_values("salary", ascending=False)
    return [len(top), rows(top[["employee", "salary"]])]


@known
def price_by_carrier_and_service(t: Tables) -> Known:
    return [rows(t["parcels"].groupby(["carrier", "service"]).price.mean().reset_index())]


# Goals of `heldout3`.


@known
def service_age(t: Tables) -> Known:
    e = t["employee_survey"]
    return [e.loc[e.department == "Service", "age"].mean()]


@known
def cardiff_orders(t: Tables) -> Known:
    return [int((t["bookshop_orders"].city == "Cardiff").sum())]


@known
def highest_student_fine(t: Tables) -> Known:
    loans = t["library_loans"]
    return [loans.loc[loans.member_type == "student", "fine"].max()]


@known
def thickest_genre(t: Tables) -> Known:
    return [winner(t["books"].groupby("genre").pages.mean())]


@known
def age_and_tenure(t: Tables) -> Known:
    return [t["employee_survey"].age.corr(t["employee_survey"].tenure_years)]


@known
def longest_books(t: Tables) -> Known:
    longest = t["books"].sort_values("pages", ascending=False).head(5)
    return [rows(longest[["title", "pages"]])]


@known
def dearest_genre(t: Tables) -> Known:
    joined = t["bookshop_orders"].merge(t["books"], on="book_id")
    return [winner(joined.groupby("genre").unit_price.mean())]


@known
def wind_high_up(t: Tables) -> Known:
    joined = t["weather"].merge(t["stations"], on="station")
    return [joined.loc[joined.altitude_m > 300, "wind_kmh"].mean()]


@known
def salary_unstated(t: Tables) -> Known:
    return [int(t["employee_survey"].salary.isna().sum())]


@known
def loans_by_category(t: Tables) -> Known:
    return [rows(t["library_loans"].groupby("category").size().reset_index())]


@known
def warmest_month(t: Tables) -> Known:
    w = t["weather"]
    return [int(winner(w.groupby(month(w.date)).temperature_c.mean()))]


@known
def student_comics(t: Tables) -> Known:
    loans = t["library_loans"]
    return [loans.loc[(loans.member_type == "student") & (loans.category == "comic"), "days_kept"].mean()]


@known
def known_days_distance(t: Tables) -> Known:
    return [t["parcels"].dropna(subset=["days"]).distance_km.median()]


@known
def age_at_start(t: Tables) -> Known:
    return [(t["employee_survey"].age - t["employee_survey"].tenure_years).mean()]


@known
def distance_chart(_: Tables) -> Known:
    return [None]


@known
def unhappy_file(t: Tables) -> Known:
    o = t["bookshop_orders"]
    return [rows(o.loc[o.rating == 1, ["order_id", "unit_price"]])]


@known
def copies_and_price(t: Tables) -> Known:
    o = t["bookshop_orders"]
    return [winner(o.groupby("city").copies.mean()), o.copies.corr(o.unit_price)]


@known
def shipping_report(t: Tables) -> Known:
    p = t["parcels"]
    weight, carrier = p.weight_kg.mean(), winner(p.groupby("carrier").distance_km.sum())
    return [len(p), weight, carrier, [len(p), weight, carrier]]


@known
def storms_file(t: Tables) -> Known:
    w = t["weather"]
    storms = w[w.wind_kmh > 50].sort_values("wind_kmh", ascending=False)
    return [len(storms), rows(storms[["station", "wind_kmh"]])]


@known
def days_by_branch_and_member(t: Tables) -> Known:
    return [rows(t["library_loans"].groupby(["branch", "member_type"]).days_kept.mean().reset_index())]


# Goals of `heldout4`.


@known
def phone_copies(t: Tables) -> Known:
    o = t["bookshop_orders"]
    return [o.loc[o.channel == "phone", "copies"].mean()]


@known
def loans_of_children(t: Tables) -> Known:
    return [int((t["library_loans"].member_type == "child").sum())]


@known
def finance_commute(t: Tables) -> Known:
    e = t["employee_survey"]
    return [int(e.loc[e.department == "Finance", "commute_minutes"].max())]


@known
def humid_station(t: Tables) -> Known:
    return [winner(t["weather"].groupby("station").humidity_pct.mean())]


@known
def distance_and_price(t: Tables) -> Known:
    return [t["parcels"].distance_km.corr(t["parcels"].price)]


@known
def highest_fines(t: Tables) -> Known:
    highest = t["library_loans"].sort_values("fine", ascending=False).head(4)
    return [rows(highest[["loan_id", "fine"]])]


@known
def rainiest_region(t: Tables) -> Known:
    joined = t["weather"].merge(t["stations"], on="station")
    return [winner(joined.groupby("region").rainfall_mm.sum())]


@known
def copies_of_thick_books(t: Tables) -> Known:
    joined = t["bookshop_orders"].merge(t["books"], on="book_id")
    return [joined.loc[joined.pages > 400, "copies"].mean()]


@known
def days_unknown(t: Tables) -> Known:
    return [int(t["parcels"].days.isna().sum())]


@known
def headcount(t: Tables) -> Known:
    return [rows(t["employee_survey"].groupby("department").size().reset_index())]


@known
def best_selling_month(t: Tables) -> Known:
    o = t["bookshop_orders"]
    return [int(winner(o.groupby(month(o.order_date)).copies.sum()))]


@known
def dry_saltmarsh(t: Tables) -> Known:
    w = t["weather"]
    return [w.loc[(w.station == "Saltmarsh") & (w.rainfall_mm == 0), "temperature_c"].mean()]


@known
def tenure_where_salary_is_known(t: Tables) -> Known:
    return [t["employee_survey"].dropna(subset=["salary"]).tenure_years.median()]


@known
def kilogram_kilometres(t: Tables) -> Known:
    return [(t["parcels"].weight_kg * t["parcels"].distance_km).sum()]


@known
def rain_chart(_: Tables) -> Known:
    return [None]


@known
def expensive_file(t: Tables) -> Known:
    b = t["books"]
    return [rows(b.loc[b.list_price > 20, ["book_id", "list_price"]])]


@known
def satisfied_and_commute(t: Tables) -> Known:
    e = t["employee_survey"]
    return [winner(e.groupby("department").satisfaction.mean()), e.age.corr(e.commute_minutes)]


@known
def lending_report(t: Tables) -> Known:
    loans = t["library_loans"]
    days, category = loans.days_kept.mean(), winner(loans.groupby("category").fine.sum())
    return [len(loans), days, category, [len(loans), days, category]]


@known
def bulky_file(t: Tables) -> Known:
    p = t["parcels"]
    bulky = p[p.weight_kg > 12].sort_values("weight_kg", ascending=False)
    return [len(bulky), rows(bulky[["parcel_id", "weight_kg"]])]


@known
def copies_by_city_and_channel(t: Tables) -> Known:
    return [rows(t["bookshop_orders"].groupby(["city", "channel"]).copies.sum().reset_index())]
