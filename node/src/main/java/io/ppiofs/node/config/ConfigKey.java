package io.ppiofs.node.config;

import java.util.function.Function;

/**
 * One configuration key.
 *
 * @param name dotted, as in the file: {@code [log] level} is {@code log.level}
 * @param description one line for the documentation
 * @param parser from the value's text; throws IllegalArgumentException with what would be right
 */
public record ConfigKey<T>(String name, T defaultValue, String description, Function<String, T> parser) {}
