"""Known answers of the goals of `development2`, computed with pandas alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.reference import Known, Tables, known, month, rows, winner

if TYPE_CHECKING:
    import pandas as pd


def loser(series: pd.Series[float] | pd.Series[int]) -> str:
    """Gives the label of the smallest value."""
    return str(series.idxmin())


def weekday(days: pd.Series[str]) -> pd.Series[int]:
    """Gives the days of the week, Monday 1, of days written as YYYY-MM-DD."""
    return days.astype("datetime64[ns]").dt.day_of_week + 1


def sold_where(t: Tables) -> pd.DataFrame:
    """Gives the orders with what is known of their shops."""
    return t["coffee_sales"].merge(t["coffee_shops"], on="shop")


@known
def biscoe_bill_depth(t: Tables) -> Known:
    p = t["penguins"]
    return [p.loc[p.island == "Biscoe", "bill_depth_mm"].mean()]


@known
def heaviest_chinstrap(t: Tables) -> Known:
    p = t["penguins"]
    return [p.loc[p.species == "Chinstrap", "body_mass_g"].max()]


@known
def tea_orders(t: Tables) -> Known:
    return [int((t["coffee_sales"].drink == "tea").sum())]


@known
def age_gaps(t: Tables) -> Known:
    return [int(t["bike_trips"].age.isna().sum())]


@known
def members_electric_minutes(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.loc[(b.member == "yes") & (b.bike_type == "electric"), "minutes"].mean()]


@known
def median_rating_given(t: Tables) -> Known:
    return [t["coffee_sales"].rating.dropna().median()]


@known
def trip_speed(t: Tables) -> Known:
    return [(t["bike_trips"].distance_km / t["bike_trips"].minutes).mean()]


@known
def price_and_quantity(t: Tables) -> Known:
    return [t["coffee_sales"].price.corr(t["coffee_sales"].quantity)]


@known
def fewest_cups_shop(t: Tables) -> Known:
    return [loser(t["coffee_sales"].groupby("shop").quantity.sum())]


@known
def quietest_month(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [int(loser(c.groupby(month(c.date)).size()))]


@known
def thirstiest_district(t: Tables) -> Known:
    return [winner(sold_where(t).groupby("district").quantity.sum())]


@known
def old_town_rating(t: Tables) -> Known:
    joined = sold_where(t)
    return [joined.loc[joined.district == "Old Town", "rating"].mean()]


@known
def farthest_trips(t: Tables) -> Known:
    farthest = t["bike_trips"].sort_values("distance_km", ascending=False).head(4)
    return [rows(farthest[["trip_id", "distance_km"]])]


@known
def price_by_drink(t: Tables) -> Known:
    return [rows(t["coffee_sales"].groupby("drink").price.mean().reset_index())]


@known
def orders_by_drink_and_size(t: Tables) -> Known:
    return [rows(t["coffee_sales"].groupby(["drink", "size"]).size().reset_index())]


@known
def station_chart(_: Tables) -> Known:
    return [None]


@known
def far_file(t: Tables) -> Known:
    b = t["bike_trips"]
    return [rows(b.loc[b.distance_km > 15, ["trip_id", "distance_km"]])]


@known
def long_trips_file(t: Tables) -> Known:
    b = t["bike_trips"]
    lasting = b[b.minutes > 55].sort_values("minutes", ascending=False)
    return [len(lasting), rows(lasting[["trip_id", "minutes"]])]


@known
def deepest_bills(t: Tables) -> Known:
    p = t["penguins"]
    return [winner(p.groupby("species").bill_depth_mm.mean()), p.bill_length_mm.corr(p.bill_depth_mm)]


@known
def coffee_report(t: Tables) -> Known:
    c = t["coffee_sales"]
    price, drink = c.price.mean(), winner(c.groupby("drink").size())
    return [len(c), price, drink, [len(c), price, drink]]


@known
def cargo_distance(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.loc[b.bike_type == "cargo", "distance_km"].mean()]


@known
def electric_total(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.loc[b.bike_type == "electric", "distance_km"].sum()]


@known
def seen_in_2008(t: Tables) -> Known:
    return [int((t["penguins"].year == 2008).sum())]


@known
def never_weighed(t: Tables) -> Known:
    return [int(t["penguins"].body_mass_g.isna().sum())]


@known
def female_gentoo_mass(t: Tables) -> Known:
    p = t["penguins"]
    return [p.loc[(p.species == "Gentoo") & (p.sex == "female"), "body_mass_g"].mean()]


@known
def measured_flipper_median(t: Tables) -> Known:
    return [t["penguins"].flipper_length_mm.dropna().median()]


@known
def bill_difference(t: Tables) -> Known:
    return [(t["penguins"].bill_length_mm - t["penguins"].bill_depth_mm).median()]


@known
def minutes_and_distance(t: Tables) -> Known:
    return [t["bike_trips"].minutes.corr(t["bike_trips"].distance_km)]


@known
def rarest_payment(t: Tables) -> Known:
    return [loser(t["coffee_sales"].groupby("payment").size())]


@known
def busiest_weekday(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [int(winner(c.groupby(weekday(c.date)).size()))]


@known
def largest_orders_district(t: Tables) -> Known:
    return [winner(sold_where(t).groupby("district").quantity.mean())]


@known
def price_in_big_shops(t: Tables) -> Known:
    joined = sold_where(t)
    return [joined.loc[joined.seats > 30, "price"].mean()]


@known
def shortest_trips(t: Tables) -> Known:
    shortest = t["bike_trips"].sort_values("minutes").head(3)
    return [rows(shortest[["trip_id", "minutes"]])]


@known
def age_by_station(t: Tables) -> Known:
    return [rows(t["bike_trips"].groupby("station").age.mean().reset_index())]


@known
def mass_by_species_and_sex(t: Tables) -> Known:
    return [rows(t["penguins"].groupby(["species", "sex"]).body_mass_g.mean().reset_index())]


@known
def cups_chart(_: Tables) -> Known:
    return [None]


@known
def oldest_riders_file(t: Tables) -> Known:
    b = t["bike_trips"]
    return [rows(b.loc[b.age > 68, ["trip_id", "age"]])]


@known
def long_bills_file(t: Tables) -> Known:
    p = t["penguins"]
    longest = p[p.bill_length_mm > 54].sort_values("bill_length_mm", ascending=False)
    return [len(longest), rows(longest[["species", "bill_length_mm"]])]


@known
def shops_and_seats(t: Tables) -> Known:
    s = t["coffee_shops"]
    return [len(s), winner(s.set_index("shop").seats)]


@known
def penguin_summary(t: Tables) -> Known:
    p = t["penguins"]
    flipper, island = p.flipper_length_mm.mean(), winner(p.groupby("island").size())
    return [len(p), flipper, island, [len(p), flipper, island]]


@known
def guests_ages(t: Tables) -> Known:
    b = t["bike_trips"]
    guests = b[b.member == "no"]
    return [guests.age.min(), guests.age.max()]


@known
def latte_price_spread(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [c.loc[c.drink == "latte", "price"].std()]


@known
def quick_rides(t: Tables) -> Known:
    return [int((t["bike_trips"].minutes < 10).sum())]


@known
def unrated_coffee(t: Tables) -> Known:
    return [int(t["coffee_sales"].rating.isna().sum())]


@known
def medium_cash_cups(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [c.loc[(c["size"] == "medium") & (c.payment == "cash"), "quantity"].mean()]


@known
def distance_of_known_ages(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.loc[b.age.notna(), "distance_km"].median()]


@known
def dearest_order(t: Tables) -> Known:
    return [(t["coffee_sales"].price * t["coffee_sales"].quantity).max()]


@known
def depth_and_flipper(t: Tables) -> Known:
    return [t["penguins"].bill_depth_mm.corr(t["penguins"].flipper_length_mm)]


@known
def poorest_rated_shop(t: Tables) -> Known:
    return [loser(t["coffee_sales"].groupby("shop").rating.mean())]


@known
def heaviest_year(t: Tables) -> Known:
    return [int(winner(t["penguins"].groupby("year").body_mass_g.mean()))]


@known
def cheapest_district(t: Tables) -> Known:
    return [loser(sold_where(t).groupby("district").price.mean())]


@known
def cups_in_new_shops(t: Tables) -> Known:
    joined = sold_where(t)
    return [joined.loc[joined.opened > 2014, "quantity"].mean()]


@known
def smallest_shops(t: Tables) -> Known:
    return [rows(t["coffee_shops"].sort_values("seats").head(3)[["shop", "seats"]])]


@known
def penguins_by_year(t: Tables) -> Known:
    return [rows(t["penguins"].groupby("year").size().reset_index())]


@known
def distance_by_station_and_type(t: Tables) -> Known:
    return [rows(t["bike_trips"].groupby(["station", "bike_type"]).distance_km.sum().reset_index())]


@known
def island_chart(_: Tables) -> Known:
    return [None]


@known
def new_shops_file(t: Tables) -> Known:
    s = t["coffee_shops"]
    return [rows(s.loc[s.opened >= 2015, ["shop", "opened"]])]


@known
def heavy_file(t: Tables) -> Known:
    p = t["penguins"]
    heavy = p[p.body_mass_g > 5800].sort_values("body_mass_g", ascending=False)
    return [len(heavy), rows(heavy[["species", "body_mass_g"]])]


@known
def longest_and_busiest(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.minutes.max(), winner(b.groupby("station").size())]


@known
def rides_report(t: Tables) -> Known:
    b = t["bike_trips"]
    minutes, total, kind = b.minutes.mean(), b.distance_km.sum(), winner(b.groupby("bike_type").size())
    return [minutes, total, kind, [minutes, total, kind]]
