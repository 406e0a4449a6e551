package io.penstock.spark;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Bytes that grow as they are written. */
final class Packed {

    private ByteBuffer bytes = ByteBuffer.allocate(1 << 12);

    private ByteBuffer room(int more) {
        if (bytes.remaining() < more) {
            int needed = Math.addExact(bytes.position(), more);
            int size = (int) Math.min(Integer.MAX_VALUE - 8, Math.max(2L * bytes.capacity(), needed));
            bytes = ByteBuffer.allocate(size).put(bytes.flip());
        }
        return bytes;
    }

    Packed put(byte value) {
        room(1).put(value);
        return this;
    }

    Packed put(byte[] values) {
        room(values.length).put(values);
        return this;
    }

    Packed putInt(int value) {
        room(Integer.BYTES).putInt(value);
        return this;
    }

    Packed putLong(long value) {
        room(Long.BYTES).putLong(value);
        return this;
    }

    Packed putFloat(float value) {
        room(Float.BYTES).putFloat(value);
        return this;
    }

    Packed putDouble(double value) {
        room(Double.BYTES).putDouble(value);
        return this;
    }

    byte[] bytes() {
        return Arrays.copyOf(bytes.array(), bytes.position());
    }
}
