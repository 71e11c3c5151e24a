"""Known answers of the goals of `heldout5`, computed with pandas alone."""

from __future__ import annotations

from benchmarks.reference import Known, Tables, known, month, rows, winner


@known
def express_weight(t: Tables) -> Known:
    parcels = t["parcels"]
    return [parcels.loc[parcels["service"] == "express", "weight_kg"].mean()]


@known
def newcomers(t: Tables) -> Known:
    return [int((t["employee_survey"]["tenure_years"] < 1).sum())]


@known
def audiobook_record(t: Tables) -> Known:
    loans = t["library_loans"]
    return [int(loans.loc[loans["category"] == "audiobook", "days_kept"].max())]


@known
def most_renewed_category(t: Tables) -> Known:
    return [winner(t["library_loans"].groupby("category")["renewals"].sum())]


@known
def wind_and_rain(t: Tables) -> Known:
    return [t["weather"]["wind_kmh"].corr(t["weather"]["rainfall_mm"])]


@known
def thinnest_books(t: Tables) -> Known:
    return [rows(t["books"].nsmallest(6, "pages")[["title", "pages"]])]


@known
def best_rated_genre(t: Tables) -> Known:
    both = t["bookshop_orders"].merge(t["books"], on="book_id")
    return [winner(both.groupby("genre")["rating"].mean())]


@known
def rain_at_old_stations(t: Tables) -> Known:
    both = t["weather"].merge(t["stations"], on="station")
    return [both.loc[both["since"] < 1980, "rainfall_mm"].sum()]


@known
def thermometer_failures(t: Tables) -> Known:
    return [int(t["weather"]["temperature_c"].isna().sum())]


@known
def parcels_by_status(t: Tables) -> Known:
    return [rows(t["parcels"].groupby("status").size().reset_index())]


@known
def month_of_losses(t: Tables) -> Known:
    lost = t["parcels"][t["parcels"]["status"] == "lost"]
    return [int(winner(month(lost["sent"]).value_counts()))]


@known
def parkview_adult_fines(t: Tables) -> Known:
    loans = t["library_loans"]
    return [loans.loc[(loans["branch"] == "Parkview") & (loans["member_type"] == "adult"), "fine"].sum()]


@known
def rated_order_size(t: Tables) -> Known:
    orders = t["bookshop_orders"]
    return [orders.loc[orders["rating"].notna(), "copies"].mean()]


@known
def largest_order(t: Tables) -> Known:
    return [(t["bookshop_orders"]["copies"] * t["bookshop_orders"]["unit_price"]).max()]


@known
def satisfaction_chart(_: Tables) -> Known:
    return [None]


@known
def travel_file(t: Tables) -> Known:
    books = t["books"]
    return [rows(books.loc[books["genre"] == "travel", ["book_id", "title", "list_price"]])]


@known
def site_pay_and_tenure(t: Tables) -> Known:
    staff = t["employee_survey"]
    return [winner(staff.groupby("site")["salary"].mean()), staff["tenure_years"].corr(staff["salary"])]


@known
def weather_report(t: Tables) -> Known:
    weather = t["weather"]
    values = [
        len(weather),
        weather["temperature_c"].max(),
        winner(weather.groupby("station")["rainfall_mm"].sum()),
    ]
    return [*values, values]


@known
def far_away_file(t: Tables) -> Known:
    far = t["parcels"][t["parcels"]["distance_km"] > 910].sort_values("distance_km", ascending=False)
    return [len(far), rows(far[["parcel_id", "carrier", "distance_km"]])]


@known
def median_age_by_department_and_site(t: Tables) -> Known:
    return [rows(t["employee_survey"].groupby(["department", "site"])["age"].median().reset_index())]
