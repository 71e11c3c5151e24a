"""What an answer cost, from the public price list in genai-prices."""

from __future__ import annotations

from dagwright.llm.model import Usage


def priced(usage: Usage, model: str, *, provider: str | None = None, address: str | None = None) -> Usage:
    """Gives the usage with its cost in US dollars; None, not 0, where the price is unknown.

    Args:
        usage: The tokens.
        model: The model's name at its provider.
        provider: The provider's id, if it is one that has a list.
        address: The endpoint's URL otherwise.
    """
    import genai_prices

    tokens = genai_prices.Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cache_read_tokens=usage.cached_tokens,
    )
    try:
        if provider is not None:
            price = genai_prices.calc_price(tokens, model, provider_id=provider)
        else:
            price = genai_prices.calc_price(tokens, model, provider_api_url=address or "")
    except (LookupError, ValueError):
        return usage
    return usage.model_copy(update={"cost": float(price.total_price)})
