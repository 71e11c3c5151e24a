"""Every demo goal can be reached: a plan of the toolchest's operations, carried out by the whole pipeline
(compiled, certified, executed), gets the known answer, and the judge sees it. No language model takes part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from benchmarks.demo import measured
from benchmarks.goal import load_goals
from benchmarks.plancompiler import Loaded, PipelineTask
from benchmarks.plancompiler import measured as measured_pipeline
from benchmarks.trial import Laboratory
from dagwright.llm.model import ModelReply, ModelRequest, Usage

SETS = ("development", "development2", "development3", "heldout", "heldout2", "heldout3", "heldout4")
GOALS = {goal.id: goal for part in SETS for goal in load_goals(part)}

PLANS = {
    "gentoo_mass": """
        filter_rows(table=penguins, column="species", op="==", value="Gentoo")
        aggregate(table=s1, column="body_mass_g", function="mean")
        answer(s2)""",
    "dream_count": """
        filter_rows(table=penguins, column="island", op="==", value="Dream")
        count_rows(table=s1)
        answer(s2)""",
    "heaviest_species": """
        group_aggregate(table=penguins, by=["species"], value="body_mass_g", function="mean")
        sort_rows(table=s1, column="mean_body_mass_g", descending=true)
        top_rows(table=s2, n=1)
        answer(s3)""",
    "flipper_mass_correlation": """
        correlate(table=penguins, x="flipper_length_mm", y="body_mass_g")
        answer(s1)""",
    "flipper_by_species_and_island": """
        group_aggregate(table=penguins, by=["species", "island"], value="flipper_length_mm", function="mean")
        answer(s1)""",
    "unknown_sex": """
        count_values(table=penguins, column="sex", kind="missing")
        answer(s1)""",
    "adelie_bill_spread": """
        filter_rows(table=penguins, column="species", op="==", value="Adelie")
        aggregate(table=s1, column="bill_length_mm", function="std")
        answer(s2)""",
    "flipper_chart": """
        chart(table=penguins, kind="scatter", x="flipper_length_mm", path="flippers.png", y="body_mass_g")
        answer(s1)""",
    "penguin_report": """
        group_aggregate(table=penguins, by=["species"], value="body_mass_g", function="mean")
        sort_rows(table=s1, column="mean_body_mass_g", descending=true)
        top_rows(table=s2, n=1)
        correlate(table=penguins, x="bill_length_mm", y="body_mass_g")
        chart(table=penguins, kind="box", x="species", path="mass.png", y="body_mass_g")
        write_report(path="report.md", title="Penguins", items=[s3, s4, s5])
        answer(s3, s4, s5, s6)""",
    "rated_price_median": """
        drop_missing(table=coffee_sales, columns=["rating"])
        aggregate(table=s1, column="price", function="median")
        answer(s2)""",
    "known_age_median": """
        aggregate(table=bike_trips, column="age", function="median")
        answer(s1)""",
    "distance_spread_and_age": """
        aggregate(table=bike_trips, column="distance_km", function="std")
        aggregate(table=bike_trips, column="age", function="mean")
        answer(s1, s2)""",
    "seats_and_district": """
        aggregate(table=coffee_shops, column="seats", function="mean")
        group_aggregate(table=coffee_shops, by=["district"], value="seats", function="mean")
        sort_rows(table=s2, column="mean_seats", descending=true)
        top_rows(table=s3, n=1)
        answer(s1, s4)""",
    "trips_by_station": """
        group_count(table=bike_trips, by=["station"])
        answer(s1)""",
    "island_count_and_flipper": """
        group_count(table=penguins, by=["island"])
        aggregate(table=penguins, column="flipper_length_mm", function="mean")
        answer(s1, s2)""",
    "bills_histogram": """
        chart(table=penguins, kind="hist", x="bill_length_mm", path="bills.png")
        answer(s1)""",
    "cash_quantity_average": """
        filter_rows(table=coffee_sales, column="payment", op="==", value="cash")
        aggregate(table=s1, column="quantity", function="mean")
        answer(s2)""",
    "coffee_revenue": """
        combine_columns(table=coffee_sales, left="quantity", op="*", right="price", name="revenue")
        aggregate(table=s1, column="revenue", function="sum")
        answer(s2)""",
    "most_cups": """
        group_aggregate(table=coffee_sales, by=["drink"], value="quantity", function="sum")
        sort_rows(table=s1, column="sum_quantity", descending=true)
        get_value(table=s2, column="drink")
        answer(s3)""",
    "best_month": """
        date_part(table=coffee_sales, column="date", part="month", name="month")
        group_aggregate(table=s1, by=["month"], value="quantity", function="sum")
        sort_rows(table=s2, column="sum_quantity", descending=true)
        top_rows(table=s3, n=1)
        answer(s4)""",
    "best_rated_district": """
        join_tables(left=coffee_sales, right=coffee_shops, on=["shop"])
        group_aggregate(table=s1, by=["district"], value="rating", function="mean")
        sort_rows(table=s2, column="mean_rating", descending=true)
        top_rows(table=s3, n=1)
        answer(s4)""",
    "large_card_orders": """
        filter_rows(table=coffee_sales, column="size", op="==", value="large")
        filter_rows(table=s1, column="payment", op="==", value="card")
        count_rows(table=s2)
        answer(s3)""",
    "harbour_cups": """
        join_tables(left=coffee_sales, right=coffee_shops, on=["shop"])
        filter_rows(table=s1, column="district", op="==", value="Harbour")
        aggregate(table=s2, column="quantity", function="sum")
        answer(s3)""",
    "electric_median": """
        filter_rows(table=bike_trips, column="bike_type", op="==", value="electric")
        aggregate(table=s1, column="minutes", function="median")
        answer(s2)""",
    "long_trip_distance": """
        filter_rows(table=bike_trips, column="minutes", op=">", value=30)
        aggregate(table=s1, column="distance_km", function="mean")
        answer(s2)""",
    "longest_trips": """
        sort_rows(table=bike_trips, column="minutes", descending=true)
        top_rows(table=s1, n=3)
        write_csv(table=s2, path="longest.csv")
        answer(s3)""",
    "trips_by_type": """
        group_count(table=bike_trips, by=["bike_type"])
        answer(s1)""",
    "riders_and_chart": """
        aggregate(table=bike_trips, column="age", function="mean")
        group_aggregate(table=bike_trips, by=["station"], value="distance_km", function="sum")
        sort_rows(table=s2, column="sum_distance_km", descending=true)
        top_rows(table=s3, n=1)
        chart(table=bike_trips, kind="hist", x="minutes", path="minutes.png")
        answer(s1, s4, s5)""",
    "logistics_satisfaction": """
        filter_rows(table=employee_survey, column="department", op="==", value="Logistics")
        aggregate(table=s1, column="satisfaction", function="mean")
        answer(s2)""",
    "returned_parcels": """
        filter_rows(table=parcels, column="status", op="==", value="returned")
        count_rows(table=s1)
        answer(s2)""",
    "strongest_wind": """
        filter_rows(table=weather, column="station", op="==", value="Hollow Point")
        aggregate(table=s1, column="wind_kmh", function="max")
        answer(s2)""",
    "longest_kept_category": """
        group_aggregate(table=library_loans, by=["category"], value="days_kept", function="mean")
        sort_rows(table=s1, column="mean_days_kept", descending=true)
        top_rows(table=s2, n=1)
        answer(s3)""",
    "commute_satisfaction": """
        correlate(table=employee_survey, x="commute_minutes", y="satisfaction")
        answer(s1)""",
    "dearest_parcels": """
        sort_rows(table=parcels, column="price", descending=true)
        top_rows(table=s1, n=5)
        answer(s2)""",
    "best_selling_genre": """
        join_tables(left=bookshop_orders, right=books, on=["book_id"])
        group_aggregate(table=s1, by=["genre"], value="copies", function="sum")
        sort_rows(table=s2, column="sum_copies", descending=true)
        top_rows(table=s3, n=1)
        answer(s4)""",
    "coast_temperature": """
        join_tables(left=weather, right=stations, on=["station"])
        filter_rows(table=s1, column="region", op="==", value="Coast")
        aggregate(table=s2, column="temperature_c", function="mean")
        answer(s3)""",
    "unrated_orders": """
        count_values(table=bookshop_orders, column="rating", kind="missing")
        answer(s1)""",
    "loans_by_branch": """
        group_count(table=library_loans, by=["branch"])
        answer(s1)""",
    "wettest_month": """
        date_part(table=weather, column="date", part="month", name="month")
        group_aggregate(table=s1, by=["month"], value="rainfall_mm", function="sum")
        sort_rows(table=s2, column="sum_rainfall_mm", descending=true)
        get_value(table=s3, column="month")
        answer(s4)""",
    "heavy_express_days": """
        filter_rows(table=parcels, column="service", op="==", value="express")
        filter_rows(table=s1, column="weight_kg", op=">", value=5)
        aggregate(table=s2, column="days", function="mean")
        answer(s3)""",
    "median_salary": """
        drop_missing(table=employee_survey, columns=["salary"])
        aggregate(table=s1, column="salary", function="median")
        answer(s2)""",
    "bookshop_revenue": """
        combine_columns(table=bookshop_orders, left="copies", op="*", right="unit_price", name="revenue")
        aggregate(table=s1, column="revenue", function="sum")
        answer(s2)""",
    "carrier_chart": """
        group_aggregate(table=parcels, by=["carrier"], value="days", function="mean")
        chart(table=s1, kind="bar", x="carrier", path="carriers.png", y="mean_days")
        answer(s2)""",
    "overdue_file": """
        filter_rows(table=library_loans, column="days_kept", op=">", value=28)
        write_csv(table=s1, path="overdue.csv")
        answer(s2)""",
    "slow_carrier_and_price": """
        group_aggregate(table=parcels, by=["carrier"], value="days", function="mean")
        sort_rows(table=s1, column="mean_days", descending=true)
        get_value(table=s2, column="carrier")
        correlate(table=parcels, x="weight_kg", y="price")
        answer(s3, s4)""",
    "staff_report": """
        count_rows(table=employee_survey)
        aggregate(table=employee_survey, column="tenure_years", function="mean")
        group_aggregate(table=employee_survey, by=["department"], value="salary", function="mean")
        sort_rows(table=s3, column="mean_salary", descending=true)
        top_rows(table=s4, n=1)
        write_report(path="staff.md", title="Staff", items=[s1, s2, s5])
        answer(s1, s2, s5, s6)""",
    "heavy_rain_file": """
        filter_rows(table=weather, column="rainfall_mm", op=">", value=20)
        sort_rows(table=s1, column="rainfall_mm", descending=true)
        write_csv(table=s2, path="heavy_rain.csv")
        count_rows(table=s1)
        answer(s3, s4)""",
    "salary_by_department_and_site": """
        pivot_table(table=employee_survey, index="department", columns="site", value="salary", function="mean")
        answer(s1)""",
    "zugvogel_distance": """
        filter_rows(table=parcels, column="carrier", op="==", value="Zugvogel")
        aggregate(table=s1, column="distance_km", function="mean")
        answer(s2)""",
    "renewed_twice": """
        filter_rows(table=library_loans, column="renewals", op="==", value=2)
        count_rows(table=s1)
        answer(s2)""",
    "coldest_upper_fold": """
        filter_rows(table=weather, column="station", op="==", value="Upper Fold")
        aggregate(table=s1, column="temperature_c", function="min")
        answer(s2)""",
    "longest_commutes": """
        group_aggregate(table=employee_survey, by=["department"], value="commute_minutes", function="mean")
        sort_rows(table=s1, column="mean_commute_minutes", descending=true)
        top_rows(table=s2, n=1)
        answer(s3)""",
    "pages_and_price": """
        correlate(table=books, x="pages", y="list_price")
        answer(s1)""",
    "longest_serving": """
        sort_rows(table=employee_survey, column="tenure_years", descending=true)
        top_rows(table=s1, n=5)
        answer(s2)""",
    "windiest_region": """
        join_tables(left=weather, right=stations, on=["station"])
        group_aggregate(table=s1, by=["region"], value="wind_kmh", function="mean")
        sort_rows(table=s2, column="mean_wind_kmh", descending=true)
        top_rows(table=s3, n=1)
        answer(s4)""",
    "children_rating": """
        join_tables(left=bookshop_orders, right=books, on=["book_id"])
        filter_rows(table=s1, column="genre", op="==", value="children")
        aggregate(table=s2, column="rating", function="mean")
        answer(s3)""",
    "humidity_gaps": """
        count_values(table=weather, column="humidity_pct", kind="missing")
        answer(s1)""",
    "orders_by_channel": """
        group_count(table=bookshop_orders, by=["channel"])
        answer(s1)""",
    "busiest_loan_month": """
        date_part(table=library_loans, column="borrowed_on", part="month", name="month")
        group_count(table=s1, by=["month"])
        sort_rows(table=s2, column="count", descending=true)
        get_value(table=s3, column="month")
        answer(s4)""",
    "older_assembly_salary": """
        filter_rows(table=employee_survey, column="department", op="==", value="Assembly")
        filter_rows(table=s1, column="age", op=">", value=50)
        aggregate(table=s2, column="salary", function="mean")
        answer(s3)""",
    "median_temperature": """
        drop_missing(table=weather, columns=["temperature_c"])
        aggregate(table=s1, column="temperature_c", function="median")
        answer(s2)""",
    "price_per_kilogram": """
        combine_columns(table=parcels, left="price", op="/", right="weight_kg", name="price_per_kg")
        aggregate(table=s1, column="price_per_kg", function="mean")
        answer(s2)""",
    "fines_chart": """
        group_aggregate(table=library_loans, by=["branch"], value="fine", function="sum")
        chart(table=s1, kind="bar", x="branch", path="fines.png", y="sum_fine")
        answer(s2)""",
    "lost_file": """
        filter_rows(table=parcels, column="status", op="==", value="lost")
        write_csv(table=s1, path="lost.csv")
        answer(s2)""",
    "members_and_renewals": """
        group_aggregate(table=library_loans, by=["member_type"], value="days_kept", function="mean")
        sort_rows(table=s1, column="mean_days_kept", descending=true)
        get_value(table=s2, column="member_type")
        correlate(table=library_loans, x="days_kept", y="renewals")
        answer(s3, s4)""",
    "bookshop_report": """
        count_rows(table=bookshop_orders)
        aggregate(table=bookshop_orders, column="unit_price", function="mean")
        group_aggregate(table=bookshop_orders, by=["city"], value="copies", function="sum")
        sort_rows(table=s3, column="sum_copies", descending=true)
        top_rows(table=s4, n=1)
        write_report(path="bookshop.md", title="Bookshop", items=[s1, s2, s5])
        answer(s1, s2, s5, s6)""",
    "top_earners_file": """
        filter_rows(table=employee_survey, column="salary", op=">", value=60000)
        sort_rows(table=s1, column="salary", descending=true)
        write_csv(table=s2, path="top_earners.csv")
        count_rows(table=s1)
        answer(s3, s4)""",
    "price_by_carrier_and_service": """
        group_aggregate(table=parcels, by=["carrier", "service"], value="price", function="mean")
        answer(s1)""",
    "service_age": """
        filter_rows(table=employee_survey, column="department", op="==", value="Service")
        aggregate(table=s1, column="age", function="mean")
        answer(s2)""",
    "cardiff_orders": """
        filter_rows(table=bookshop_orders, column="city", op="==", value="Cardiff")
        count_rows(table=s1)
        answer(s2)""",
    "highest_student_fine": """
        filter_rows(table=library_loans, column="member_type", op="==", value="student")
        aggregate(table=s1, column="fine", function="max")
        answer(s2)""",
    "thickest_genre": """
        group_aggregate(table=books, by=["genre"], value="pages", function="mean")
        sort_rows(table=s1, column="mean_pages", descending=true)
        top_rows(table=s2, n=1)
        answer(s3)""",
    "age_and_tenure": """
        correlate(table=employee_survey, x="age", y="tenure_years")
        answer(s1)""",
    "longest_books": """
        sort_rows(table=books, column="pages", descending=true)
        top_rows(table=s1, n=5)
        answer(s2)""",
    "dearest_genre": """
        join_tables(left=bookshop_orders, right=books, on=["book_id"])
        group_aggregate(table=s1, by=["genre"], value="unit_price", function="mean")
        sort_rows(table=s2, column="mean_unit_price", descending=true)
        get_value(table=s3, column="genre")
        answer(s4)""",
    "wind_high_up": """
        join_tables(left=weather, right=stations, on=["station"])
        filter_rows(table=s1, column="altitude_m", op=">", value=300)
        aggregate(table=s2, column="wind_kmh", function="mean")
        answer(s3)""",
    "salary_unstated": """
        count_values(table=employee_survey, column="salary", kind="missing")
        answer(s1)""",
    "loans_by_category": """
        group_count(table=library_loans, by=["category"])
        answer(s1)""",
    "warmest_month": """
        date_part(table=weather, column="date", part="month", name="month")
        group_aggregate(table=s1, by=["month"], value="temperature_c", function="mean")
        sort_rows(table=s2, column="mean_temperature_c", descending=true)
        get_value(table=s3, column="month")
        answer(s4)""",
    "student_comics": """
        filter_rows(table=library_loans, column="member_type", op="==", value="student")
        filter_rows(table=s1, column="category", op="==", value="comic")
        aggregate(table=s2, column="days_kept", function="mean")
        answer(s3)""",
    "known_days_distance": """
        drop_missing(table=parcels, columns=["days"])
        aggregate(table=s1, column="distance_km", function="median")
        answer(s2)""",
    "age_at_start": """
        combine_columns(table=employee_survey, left="age", op="-", right="tenure_years", name="age_at_start")
        aggregate(table=s1, column="age_at_start", function="mean")
        answer(s2)""",
    "distance_chart": """
        group_aggregate(table=parcels, by=["carrier"], value="distance_km", function="mean")
        chart(table=s1, kind="bar", x="carrier", path="distances.png", y="mean_distance_km")
        answer(s2)""",
    "unhappy_file": """
        filter_rows(table=bookshop_orders, column="rating", op="==", value=1)
        write_csv(table=s1, path="unhappy.csv")
        answer(s2)""",
    "copies_and_price": """
        group_aggregate(table=bookshop_orders, by=["city"], value="copies", function="mean")
        sort_rows(table=s1, column="mean_copies", descending=true)
        get_value(table=s2, column="city")
        correlate(table=bookshop_orders, x="copies", y="unit_price")
        answer(s3, s4)""",
    "shipping_report": """
        count_rows(table=parcels)
        aggregate(table=parcels, column="weight_kg", function="mean")
        group_aggregate(table=parcels, by=["carrier"], value="distance_km", function="sum")
        sort_rows(table=s3, column="sum_distance_km", descending=true)
        top_rows(table=s4, n=1)
        write_report(path="shipping.md", title="Shipping", items=[s1, s2, s5])
        answer(s1, s2, s5, s6)""",
    "storms_file": """
        filter_rows(table=weather, column="wind_kmh", op=">", value=50)
        sort_rows(table=s1, column="wind_kmh", descending=true)
        write_csv(table=s2, path="storms.csv")
        count_rows(table=s1)
        answer(s3, s4)""",
    "days_by_branch_and_member": """
        group_aggregate(table=library_loans, by=["branch", "member_type"], value="days_kept", function="mean")
        answer(s1)""",
    "phone_copies": """
        filter_rows(table=bookshop_orders, column="channel", op="==", value="phone")
        aggregate(table=s1, column="copies", function="mean")
        answer(s2)""",
    "loans_of_children": """
        filter_rows(table=library_loans, column="member_type", op="==", value="child")
        count_rows(table=s1)
        answer(s2)""",
    "finance_commute": """
        filter_rows(table=employee_survey, column="department", op="==", value="Finance")
        aggregate(table=s1, column="commute_minutes", function="max")
        answer(s2)""",
    "humid_station": """
        group_aggregate(table=weather, by=["station"], value="humidity_pct", function="mean")
        sort_rows(table=s1, column="mean_humidity_pct", descending=true)
        top_rows(table=s2, n=1)
        answer(s3)""",
    "distance_and_price": """
        correlate(table=parcels, x="distance_km", y="price")
        answer(s1)""",
    "highest_fines": """
        sort_rows(table=library_loans, column="fine", descending=true)
        top_rows(table=s1, n=4)
        answer(s2)""",
    "rainiest_region": """
        join_tables(left=weather, right=stations, on=["station"])
        group_aggregate(table=s1, by=["region"], value="rainfall_mm", function="sum")
        sort_rows(table=s2, column="sum_rainfall_mm", descending=true)
        get_value(table=s3, column="region")
        answer(s4)""",
    "copies_of_thick_books": """
        join_tables(left=bookshop_orders, right=books, on=["book_id"])
        filter_rows(table=s1, column="pages", op=">", value=400)
        aggregate(table=s2, column="copies", function="mean")
        answer(s3)""",
    "days_unknown": """
        count_values(table=parcels, column="days", kind="missing")
        answer(s1)""",
    "headcount": """
        group_count(table=employee_survey, by=["department"])
        answer(s1)""",
    "best_selling_month": """
        date_part(table=bookshop_orders, column="order_date", part="month", name="month")
        group_aggregate(table=s1, by=["month"], value="copies", function="sum")
        sort_rows(table=s2, column="sum_copies", descending=true)
        get_value(table=s3, column="month")
        answer(s4)""",
    "dry_saltmarsh": """
        filter_rows(table=weather, column="station", op="==", value="Saltmarsh")
        filter_rows(table=s1, column="rainfall_mm", op="==", value=0)
        aggregate(table=s2, column="temperature_c", function="mean")
        answer(s3)""",
    "tenure_where_salary_is_known": """
        drop_missing(table=employee_survey, columns=["salary"])
        aggregate(table=s1, column="tenure_years", function="median")
        answer(s2)""",
    "kilogram_kilometres": """
        combine_columns(table=parcels, left="weight_kg", op="*", right="distance_km", name="kilogram_kilometres")
        aggregate(table=s1, column="kilogram_kilometres", function="sum")
        answer(s2)""",
    "rain_chart": """
        group_aggregate(table=weather, by=["station"], value="rainfall_mm", function="sum")
        chart(table=s1, kind="bar", x="station", path="rain.png", y="sum_rainfall_mm")
        answer(s2)""",
    "expensive_file": """
        filter_rows(table=books, column="list_price", op=">", value=20)
        write_csv(table=s1, path="expensive.csv")
        answer(s2)""",
    "satisfied_and_commute": """
        group_aggregate(table=employee_survey, by=["department"], value="satisfaction", function="mean")
        sort_rows(table=s1, column="mean_satisfaction", descending=true)
        get_value(table=s2, column="department")
        correlate(table=employee_survey, x="age", y="commute_minutes")
        answer(s3, s4)""",
    "lending_report": """
        count_rows(table=library_loans)
        aggregate(table=library_loans, column="days_kept", function="mean")
        group_aggregate(table=library_loans, by=["category"], value="fine", function="sum")
        sort_rows(table=s3, column="sum_fine", descending=true)
        top_rows(table=s4, n=1)
        write_report(path="lending.md", title="Lending", items=[s1, s2, s5])
        answer(s1, s2, s5, s6)""",
    "bulky_file": """
        filter_rows(table=parcels, column="weight_kg", op=">", value=12)
        sort_rows(table=s1, column="weight_kg", descending=true)
        write_csv(table=s2, path="bulky.csv")
        count_rows(table=s1)
        answer(s3, s4)""",
    "copies_by_city_and_channel": """
        group_aggregate(table=bookshop_orders, by=["city", "channel"], value="copies", function="sum")
        answer(s1)""",
}
for part in ("development2", "development3"):
    PLANS.update(yaml.safe_load(Path(__file__).with_name(f"{part}_plans.yaml").read_text(encoding="utf-8")))

WRONG = {
    "gentoo_mass": """
        filter_rows(table=penguins, column="species", op="!=", value="Gentoo")
        aggregate(table=s1, column="body_mass_g", function="mean")
        answer(s2)""",
    "heaviest_species": """
        group_aggregate(table=penguins, by=["species"], value="body_mass_g", function="mean")
        sort_rows(table=s1, column="mean_body_mass_g")
        top_rows(table=s2, n=1)
        answer(s3)""",
    "heavy_rain_file": """
        filter_rows(table=weather, column="rainfall_mm", op=">=", value=20)
        sort_rows(table=s1, column="rainfall_mm")
        write_csv(table=s2, path="heavy_rain.csv")
        count_rows(table=s1)
        answer(s3, s4)""",
    "longest_serving": """
        sort_rows(table=employee_survey, column="tenure_years")
        top_rows(table=s1, n=5)
        answer(s2)""",
}


@dataclass
class Dictated:
    """Stands where a model would: writes the plan that it was given, line by line."""

    lines: Iterator[str]
    name: str = "dictated"
    accepts_grammar: bool = False

    def complete(self, request: ModelRequest) -> ModelReply:
        return ModelReply(text=next(self.lines), model=self.name, usage=Usage(prompt_tokens=3, completion_tokens=2))


def laboratory_with(plan: str, home: Path) -> Laboratory:
    laboratory = Laboratory("local", home=home)
    lines = iter([line.strip() for line in plan.strip().splitlines()])
    laboratory.setup = replace(laboratory.setup, model=Dictated(lines))
    return laboratory


def test_there_is_a_plan_for_every_goal() -> None:
    assert set(PLANS) == set(GOALS)


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANS)
def test_goal_is_reached(name: str, tmp_path: Path) -> None:
    record = measured(GOALS[name], laboratory_with(PLANS[name], tmp_path))
    assert (record["status"], record["reason"], record["faults"]) == ("done", "", [])
    assert record["right"] is True
    assert record["tokens"] == 5 * len(PLANS[name].strip().splitlines())


@pytest.mark.parametrize("name", WRONG)
def test_plan_that_runs_and_is_wrong_is_not_right(name: str, tmp_path: Path) -> None:
    record = measured(GOALS[name], laboratory_with(WRONG[name], tmp_path))
    assert record["executed"] is True
    assert record["right"] is False
    assert record["faults"]


PIPELINE = PipelineTask.model_validate(
    {
        "task_id": "through_sqlite",
        "description": "Using a 7-node workflow, read data.csv, drop null values, log the intermediate data, store "
        "into a SQLite database called out.db in table rows, run a SQL query to retrieve all rows, "
        "sort by pay descending, then export to out.json.",
        "fixtures": {"data.csv": "fixtures/data.csv"},
        "success_criteria": [{"type": "file_row_count", "path": "out.json", "expected": 2}],
    }
)


def test_pipeline_goes_through_sqlite_into_json(tmp_path: Path) -> None:
    fixture = tmp_path / "data.csv"
    fixture.write_text("name,pay\nAda,30\nBob,\nCyd,50\n", encoding="utf-8")
    plan = """
        drop_missing(table=data)
        log_table(table=s1)
        write_sqlite(table=s2, path="out.db", name="rows")
        load_sqlite(file=s3, name="rows")
        sort_rows(table=s4, column="pay", descending=true)
        write_json(table=s5, path="out.json")
        answer(s6)"""
    loaded = Loaded(part="a", task=PIPELINE, fixtures={"data.csv": fixture})
    record = measured_pipeline(loaded, laboratory_with(plan, tmp_path / "home"))
    assert (record["reason"], record["faults"], record["right"], record["strict"]) == ("", [], True, True)
