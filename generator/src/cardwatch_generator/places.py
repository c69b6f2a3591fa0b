"""Real cities: where cardholders live, travel and pay."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_EARTH_RADIUS_KM: Final = 6371.0088  # mean radius, IUGG

MINOR_PER_EURO: Final = {
    "EUR": 100, "GBP": 86, "CHF": 94, "SEK": 1_120, "NOK": 1_160, "DKK": 746, "PLN": 427,
    "CZK": 2_480, "HUF": 39_500, "RON": 500, "ISK": 14_500, "TRY": 4_500, "RSD": 11_700,
    "USD": 112, "CAD": 155, "MXN": 2_150, "BRL": 625, "ARS": 150_000, "CLP": 106, "COP": 450_000,
    "PEN": 400, "JPY": 172, "KRW": 1_590, "CNY": 810, "HKD": 870, "TWD": 3_500, "SGD": 147,
    "INR": 9_800, "THB": 3_650, "IDR": 1_850_000, "MYR": 480, "AED": 411, "ILS": 388,
    "EGP": 5_500, "MAD": 1_060, "ZAR": 2_000, "KES": 14_500, "NGN": 168_000,
    "AUD": 172, "NZD": 194,
}  # fmt: skip
"""Minor units (ISO 4217) worth about one euro: rounded, only to make amounts plausible."""


@dataclass(frozen=True, slots=True)
class Place:
    """A city."""

    city: str
    country: str
    """ISO 3166-1 alpha-2."""
    currency: str
    """ISO 4217; what cards issued here are held in."""
    latitude: float
    """Degrees north, WGS 84."""
    longitude: float
    """Degrees east, WGS 84."""
    millions: float
    """People, rounded: how likely a cardholder lives here among the cities of the country."""


PLACES: Final = (
    Place("Berlin", "DE", "EUR", 52.520, 13.405, 3.7),
    Place("Hamburg", "DE", "EUR", 53.551, 9.994, 1.9),
    Place("Munich", "DE", "EUR", 48.135, 11.582, 1.5),
    Place("Cologne", "DE", "EUR", 50.938, 6.960, 1.1),
    Place("Frankfurt", "DE", "EUR", 50.111, 8.682, 0.8),
    Place("Leipzig", "DE", "EUR", 51.340, 12.375, 0.6),
    Place("Paris", "FR", "EUR", 48.857, 2.352, 2.1),
    Place("Marseille", "FR", "EUR", 43.297, 5.370, 0.9),
    Place("Lyon", "FR", "EUR", 45.764, 4.836, 0.5),
    Place("Toulouse", "FR", "EUR", 43.605, 1.444, 0.5),
    Place("Madrid", "ES", "EUR", 40.417, -3.704, 3.3),
    Place("Barcelona", "ES", "EUR", 41.386, 2.173, 1.6),
    Place("Valencia", "ES", "EUR", 39.470, -0.376, 0.8),
    Place("Seville", "ES", "EUR", 37.389, -5.984, 0.7),
    Place("Rome", "IT", "EUR", 41.903, 12.496, 2.8),
    Place("Milan", "IT", "EUR", 45.464, 9.190, 1.4),
    Place("Naples", "IT", "EUR", 40.852, 14.268, 0.9),
    Place("Turin", "IT", "EUR", 45.070, 7.687, 0.8),
    Place("Amsterdam", "NL", "EUR", 52.368, 4.904, 0.9),
    Place("Rotterdam", "NL", "EUR", 51.924, 4.478, 0.7),
    Place("Brussels", "BE", "EUR", 50.850, 4.352, 1.2),
    Place("Vienna", "AT", "EUR", 48.208, 16.374, 2.0),
    Place("Graz", "AT", "EUR", 47.071, 15.440, 0.3),
    Place("Lisbon", "PT", "EUR", 38.722, -9.139, 0.6),
    Place("Porto", "PT", "EUR", 41.158, -8.629, 0.3),
    Place("Dublin", "IE", "EUR", 53.350, -6.260, 0.6),
    Place("Helsinki", "FI", "EUR", 60.170, 24.938, 0.7),
    Place("Athens", "GR", "EUR", 37.984, 23.728, 0.7),
    Place("Tallinn", "EE", "EUR", 59.437, 24.754, 0.5),
    Place("Riga", "LV", "EUR", 56.950, 24.105, 0.6),
    Place("Zagreb", "HR", "EUR", 45.815, 15.982, 0.8),
    Place("Zurich", "CH", "CHF", 47.377, 8.541, 0.4),
    Place("Geneva", "CH", "CHF", 46.204, 6.143, 0.2),
    Place("London", "GB", "GBP", 51.507, -0.128, 8.9),
    Place("Birmingham", "GB", "GBP", 52.486, -1.890, 1.1),
    Place("Manchester", "GB", "GBP", 53.481, -2.242, 0.6),
    Place("Edinburgh", "GB", "GBP", 55.953, -3.188, 0.5),
    Place("Stockholm", "SE", "SEK", 59.329, 18.069, 1.0),
    Place("Gothenburg", "SE", "SEK", 57.709, 11.975, 0.6),
    Place("Oslo", "NO", "NOK", 59.914, 10.752, 0.7),
    Place("Copenhagen", "DK", "DKK", 55.676, 12.568, 0.7),
    Place("Warsaw", "PL", "PLN", 52.230, 21.012, 1.9),
    Place("Krakow", "PL", "PLN", 50.065, 19.945, 0.8),
    Place("Prague", "CZ", "CZK", 50.076, 14.438, 1.4),
    Place("Budapest", "HU", "HUF", 47.498, 19.040, 1.7),
    Place("Bucharest", "RO", "RON", 44.427, 26.103, 1.7),
    Place("Belgrade", "RS", "RSD", 44.787, 20.457, 1.2),
    Place("Reykjavik", "IS", "ISK", 64.147, -21.942, 0.1),
    Place("Istanbul", "TR", "TRY", 41.008, 28.978, 15.7),
    Place("New York", "US", "USD", 40.713, -74.006, 8.3),
    Place("Los Angeles", "US", "USD", 34.052, -118.244, 3.8),
    Place("Chicago", "US", "USD", 41.878, -87.630, 2.7),
    Place("Houston", "US", "USD", 29.760, -95.370, 2.3),
    Place("Miami", "US", "USD", 25.762, -80.192, 0.5),
    Place("Seattle", "US", "USD", 47.606, -122.332, 0.8),
    Place("Toronto", "CA", "CAD", 43.653, -79.383, 2.8),
    Place("Vancouver", "CA", "CAD", 49.283, -123.121, 0.7),
    Place("Mexico City", "MX", "MXN", 19.433, -99.133, 9.2),
    Place("Sao Paulo", "BR", "BRL", -23.551, -46.633, 12.3),
    Place("Rio de Janeiro", "BR", "BRL", -22.907, -43.173, 6.7),
    Place("Buenos Aires", "AR", "ARS", -34.604, -58.382, 3.1),
    Place("Santiago", "CL", "CLP", -33.449, -70.669, 6.2),
    Place("Bogota", "CO", "COP", 4.711, -74.072, 7.4),
    Place("Lima", "PE", "PEN", -12.046, -77.043, 9.7),
    Place("Tokyo", "JP", "JPY", 35.676, 139.650, 14.0),
    Place("Seoul", "KR", "KRW", 37.567, 126.978, 9.4),
    Place("Shanghai", "CN", "CNY", 31.230, 121.474, 24.9),
    Place("Hong Kong", "HK", "HKD", 22.319, 114.169, 7.5),
    Place("Taipei", "TW", "TWD", 25.033, 121.565, 2.5),
    Place("Singapore", "SG", "SGD", 1.352, 103.820, 5.9),
    Place("Mumbai", "IN", "INR", 19.076, 72.878, 12.5),
    Place("Delhi", "IN", "INR", 28.614, 77.209, 16.8),
    Place("Bangkok", "TH", "THB", 13.756, 100.502, 8.3),
    Place("Jakarta", "ID", "IDR", -6.208, 106.846, 10.6),
    Place("Kuala Lumpur", "MY", "MYR", 3.139, 101.687, 2.0),
    Place("Dubai", "AE", "AED", 25.205, 55.271, 3.6),
    Place("Tel Aviv", "IL", "ILS", 32.085, 34.782, 0.5),
    Place("Cairo", "EG", "EGP", 30.044, 31.236, 10.1),
    Place("Casablanca", "MA", "MAD", 33.573, -7.590, 3.7),
    Place("Cape Town", "ZA", "ZAR", -33.925, 18.424, 4.7),
    Place("Nairobi", "KE", "KES", -1.292, 36.822, 4.4),
    Place("Lagos", "NG", "NGN", 6.524, 3.379, 15.0),
    Place("Sydney", "AU", "AUD", -33.869, 151.209, 5.3),
    Place("Melbourne", "AU", "AUD", -37.814, 144.963, 5.1),
    Place("Auckland", "NZ", "NZD", -36.848, 174.763, 1.5),
)

COUNTRIES: Final = tuple(sorted({place.country for place in PLACES}))
LATITUDES: Final = np.array([place.latitude for place in PLACES])
LONGITUDES: Final = np.array([place.longitude for place in PLACES])


def distances_km(
    latitude: NDArray[np.float64] | float,
    longitude: NDArray[np.float64] | float,
    latitude_2: NDArray[np.float64] | float,
    longitude_2: NDArray[np.float64] | float,
) -> NDArray[np.float64]:
    """Great-circle distances by the haversine formula (Sinnott 1984).

    Degrees in, kilometres out; the arguments' shapes are broadcast against each other.
    """
    phi, phi_2 = np.radians(latitude), np.radians(latitude_2)
    east = np.radians(np.subtract(longitude_2, longitude))
    half_chord = (
        np.sin((phi_2 - phi) / 2) ** 2 + np.cos(phi) * np.cos(phi_2) * np.sin(east / 2) ** 2
    )
    km: NDArray[np.float64] = 2 * _EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(1.0, half_chord)))
    return km


DISTANCES_KM: Final = distances_km(
    LATITUDES[:, None], LONGITUDES[:, None], LATITUDES[None, :], LONGITUDES[None, :]
)
"""Shape (places, places)."""


def nearest_place(latitude: float, longitude: float) -> int:
    """Return the index in `PLACES` of the city nearest to a point."""
    return int(np.argmin(distances_km(latitude, longitude, LATITUDES, LONGITUDES)))
