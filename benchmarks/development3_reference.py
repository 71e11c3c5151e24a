"""Known answers of the goals of `development3`, computed with pandas alone."""

from __future__ import annotations

from benchmarks.development_reference import sold_where
from benchmarks.reference import Known, Tables, known, month, rows, winner


@known
def a_cocoa_stars(t: Tables) -> Known:
    s = t["coffee_sales"]
    return [s.loc[s.drink == "cocoa", "rating"].mean()]


@known
def a_cargo_bike_rides(t: Tables) -> Known:
    return [int((t["bike_trips"].bike_type == "cargo").sum())]


@known
def a_heaviest_on_dream(t: Tables) -> Known:
    p = t["penguins"]
    return [p.loc[p.island == "Dream", "body_mass_g"].max()]


@known
def a_most_cups_at_once(t: Tables) -> Known:
    return [winner(t["coffee_sales"].groupby("drink").quantity.mean())]


@known
def a_weight_and_flippers(t: Tables) -> Known:
    return [t["penguins"].body_mass_g.corr(t["penguins"].flipper_length_mm)]


@known
def a_oldest_shops(t: Tables) -> Known:
    oldest = t["coffee_shops"].sort_values("opened").head(3)
    return [rows(oldest[["shop", "opened"]])]


@known
def a_unhappiest_district(t: Tables) -> Known:
    joined = sold_where(t)
    return [str(joined.groupby("district").rating.mean().idxmin())]


@known
def a_cups_in_newer_shops(t: Tables) -> Known:
    joined = sold_where(t)
    return [int(joined.loc[joined.opened > 2015, "quantity"].sum())]


@known
def a_riders_of_unknown_age(t: Tables) -> Known:
    return [int(t["bike_trips"].age.isna().sum())]


@known
def a_penguins_each_year(t: Tables) -> Known:
    return [rows(t["penguins"].groupby("year").size().reset_index())]


@known
def a_thirstiest_month(t: Tables) -> Known:
    s = t["coffee_sales"]
    return [int(winner(s.groupby(month(s.date)).quantity.sum()))]


@known
def a_guests_on_electric(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.loc[(b.member == "no") & (b.bike_type == "electric"), "minutes"].mean()]


@known
def a_median_penguin_weight(t: Tables) -> Known:
    return [t["penguins"].body_mass_g.dropna().median()]


@known
def a_bill_length_less_depth(t: Tables) -> Known:
    return [(t["penguins"].bill_length_mm - t["penguins"].bill_depth_mm).max()]


@known
def a_ride_picture(_: Tables) -> Known:
    return [None]


@known
def a_two_star_orders(t: Tables) -> Known:
    s = t["coffee_sales"]
    return [rows(s.loc[s.rating == 2, ["order_id", "shop", "drink"]])]


@known
def a_station_of_long_rides(t: Tables) -> Known:
    b = t["bike_trips"]
    return [winner(b.groupby("station").minutes.mean()), b.minutes.corr(b.distance_km)]


@known
def a_bike_summary(t: Tables) -> Known:
    b = t["bike_trips"]
    age, bike = b.age.mean(), winner(b.groupby("bike_type").distance_km.sum())
    return [len(b), age, bike, [len(b), age, bike]]


@known
def a_hour_long_rides(t: Tables) -> Known:
    b = t["bike_trips"]
    long = b[b.minutes > 60].sort_values("minutes", ascending=False)
    return [len(long), rows(long[["trip_id", "station", "minutes"]])]


@known
def a_bill_depth_by_species_and_island(t: Tables) -> Known:
    return [rows(t["penguins"].groupby(["species", "island"]).bill_depth_mm.mean().reset_index())]


@known
def b_cargo_bike_distance(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.loc[b.bike_type == "cargo", "distance_km"].mean()]


@known
def b_app_payments(t: Tables) -> Known:
    return [int((t["coffee_sales"].payment == "app").sum())]


@known
def b_cheapest_latte(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [c.loc[c.drink == "latte", "price"].min()]


@known
def b_quickest_bike_type(t: Tables) -> Known:
    return [winner(-t["bike_trips"].groupby("bike_type").minutes.mean())]


@known
def b_distance_and_minutes(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.distance_km.corr(b.minutes)]


@known
def b_four_longest_trips(t: Tables) -> Known:
    longest = t["bike_trips"].sort_values("minutes", ascending=False).head(4)
    return [rows(longest[["trip_id", "minutes"]])]


@known
def b_district_most_drinks(t: Tables) -> Known:
    joined = sold_where(t)
    return [winner(joined.groupby("district").quantity.sum())]


@known
def b_large_shops_rating(t: Tables) -> Known:
    joined = sold_where(t)
    return [joined.loc[joined.seats > 30, "rating"].mean()]


@known
def b_unrated_tea(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [int(c.loc[c.drink == "tea", "rating"].isna().sum())]


@known
def b_penguins_per_year(t: Tables) -> Known:
    return [rows(t["penguins"].groupby("year").size().reset_index())]


@known
def b_best_sales_month(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [int(winner((c.price * c.quantity).groupby(month(c.date)).sum()))]


@known
def b_campus_members_duration(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.loc[(b.station == "Campus") & (b.member == "yes"), "minutes"].mean()]


@known
def b_median_bill_depth(t: Tables) -> Known:
    return [t["penguins"].bill_depth_mm.dropna().median()]


@known
def b_bill_difference(t: Tables) -> Known:
    p = t["penguins"]
    return [(p.bill_length_mm - p.bill_depth_mm).mean()]


@known
def b_trips_scatter(_: Tables) -> Known:
    return [None]


@known
def b_large_cocoa_file(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [rows(c.loc[(c.drink == "cocoa") & (c["size"] == "large"), ["order_id", "shop", "price"]])]


@known
def b_drink_ratings_and_price(t: Tables) -> Known:
    c = t["coffee_sales"].dropna(subset=["rating"])
    return [winner(c.groupby("drink").rating.mean()), c.price.corr(c.rating)]


@known
def b_penguin_report(t: Tables) -> Known:
    p = t["penguins"]
    flipper, island = p.flipper_length_mm.mean(), winner(p.groupby("island").size())
    return [len(p), flipper, island, [len(p), flipper, island]]


@known
def b_new_shops_file(t: Tables) -> Known:
    s = t["coffee_shops"]
    new = s[s.opened > 2014].sort_values("opened", ascending=False)
    return [len(new), rows(new[["shop", "opened"]])]


@known
def b_flippers_by_species_and_island(t: Tables) -> Known:
    return [rows(t["penguins"].groupby(["species", "island"]).flipper_length_mm.mean().reset_index())]


@known
def c_cargo_bike_minutes(t: Tables) -> Known:
    b = t["bike_trips"]
    return [b.loc[b.bike_type == "cargo", "minutes"].mean()]


@known
def c_tea_by_app(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [int(((c.drink == "tea") & (c.payment == "app")).sum())]


@known
def c_heaviest_chinstrap(t: Tables) -> Known:
    p = t["penguins"]
    return [p.loc[p.species == "Chinstrap", "body_mass_g"].max()]


@known
def c_youngest_riders(t: Tables) -> Known:
    return [winner(-t["bike_trips"].groupby("bike_type").age.mean())]


@known
def c_gentoo_bill_and_mass(t: Tables) -> Known:
    gentoo = t["penguins"][t["penguins"].species == "Gentoo"]
    return [gentoo.bill_depth_mm.corr(gentoo.body_mass_g)]


@known
def c_furthest_guests(t: Tables) -> Known:
    b = t["bike_trips"]
    furthest = b[b.member == "no"].sort_values("distance_km", ascending=False).head(4)
    return [rows(furthest[["trip_id", "distance_km"]])]


@known
def c_thirstiest_district(t: Tables) -> Known:
    joined = sold_where(t)
    return [winner(joined.groupby("district").quantity.sum())]


@known
def c_newer_shops_price(t: Tables) -> Known:
    joined = sold_where(t)
    return [joined.loc[joined.opened > 2016, "price"].mean()]


@known
def c_unrated_orders(t: Tables) -> Known:
    return [int(t["coffee_sales"].rating.isna().sum())]


@known
def c_cups_by_size(t: Tables) -> Known:
    return [rows(t["coffee_sales"].groupby("size").quantity.sum().reset_index())]


@known
def c_best_cup_month(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [int(winner(c.groupby(month(c.date)).quantity.sum()))]


@known
def c_dream_adelie_females(t: Tables) -> Known:
    p = t["penguins"]
    chosen = (p.species == "Adelie") & (p.island == "Dream") & (p.sex == "female")
    return [p.loc[chosen, "flipper_length_mm"].mean()]


@known
def c_median_rider_age(t: Tables) -> Known:
    return [t["bike_trips"].age.dropna().median()]


@known
def c_total_takings(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [(c.quantity * c.price).sum()]


@known
def c_bills_scatter(_: Tables) -> Known:
    return [None]


@known
def c_bad_ratings_file(t: Tables) -> Known:
    c = t["coffee_sales"]
    return [rows(c.loc[c.rating == 2, ["order_id", "shop", "drink"]])]


@known
def c_station_and_distance(t: Tables) -> Known:
    b = t["bike_trips"]
    return [winner(b.groupby("station").distance_km.mean()), b.minutes.corr(b.distance_km)]


@known
def c_penguin_report(t: Tables) -> Known:
    p = t["penguins"]
    flipper, island = p.flipper_length_mm.max(), winner(p.groupby("island").body_mass_g.mean())
    return [len(p), flipper, island, [len(p), flipper, island]]


@known
def c_long_trips_file(t: Tables) -> Known:
    b = t["bike_trips"]
    long = b[b.minutes > 60].sort_values("minutes", ascending=False)
    return [len(long), rows(long[["trip_id", "station", "minutes"]])]


@known
def c_bill_by_species_and_sex(t: Tables) -> Known:
    sexed = t["penguins"].dropna(subset=["sex"])
    return [rows(sexed.groupby(["species", "sex"]).bill_length_mm.mean().reset_index())]
