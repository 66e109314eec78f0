/**
 * Configuration of a node: {@code config.toml} in the home. Every key is one {@link io.ppiofs.node.config.ConfigKey}
 * (name, default, parser with its check) and all of them stand in {@link io.ppiofs.node.config.NodeConfig}. An unknown
 * key or an unusable value is an error of one sentence that names the file and the key, never silently ignored.
 */
@NullMarked
package io.ppiofs.node.config;

import org.jspecify.annotations.NullMarked;
