/**
 * The native engine as the scheduler sees it: one device with its label table, its pool of KV
 * blocks, and one batch and one result that are reused.
 *
 * <p>Type flow: {@link dev.gavel.engine.Engine} → {@link dev.gavel.server.engine.Device}; the
 * scheduler fills {@link dev.gavel.server.engine.Device#batch}, and {@link
 * dev.gavel.server.engine.Device#run} makes one native call for it.
 *
 * <p>Which block belongs to whom is decided by {@link dev.gavel.server.engine.BlockCache} alone:
 * calls find a {@link dev.gavel.server.engine.KvPrefix}, reserve a {@link
 * dev.gavel.server.engine.KvExtension} for what they compute behind it, and commit that when its
 * batch has succeeded.
 *
 * <p>Threads: everything belongs to the device's loop thread, except {@link
 * dev.gavel.server.engine.Device#cancel}.
 */
package dev.gavel.server.engine;
