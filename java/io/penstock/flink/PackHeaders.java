package io.penstock.flink;

import java.nio.ByteBuffer;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.functions.ScalarFunction;

/**
 * SQL function that packs a record's own headers into bytes, in which form they pass by the Python function.
 *
 * <p>What passes by is copied: bytes in one go, a map entry by entry, and its names have to be decoded anew afterwards.
 * Names stand before values, so that {@link AddHeaders} can tell by one comparison that it has met them before:
 * {@code length of the names block, for each name length and UTF-8, for each value length and bytes}. Lengths are of four
 * bytes; that of a value which is null is -1.
 */
public final class PackHeaders extends ScalarFunction {

    /** Not to Flink's planner, which would have the map pass by, and this done behind the Python function. */
    @Override
    public boolean isDeterministic() {
        return false;
    }

    /** Returns the packed headers; null where there are none. */
    public @DataTypeHint("BYTES") byte[] eval(
            @DataTypeHint(value = "MAP<STRING, BYTES>", bridgedTo = MapData.class) MapData headers) {
        int count = headers == null ? 0 : headers.size();
        if (count == 0) {
            return null;
        }
        ArrayData keys = headers.keyArray();
        ArrayData values = headers.valueArray();
        byte[][] names = new byte[count][];
        byte[][] texts = new byte[count][];
        int namesSize = 0;
        int valuesSize = 0;
        for (int i = 0; i < count; i++) {
            names[i] = keys.getString(i).toBytes();
            texts[i] = values.isNullAt(i) ? null : values.getBinary(i);
            namesSize += Integer.BYTES + names[i].length;
            valuesSize += Integer.BYTES + (texts[i] == null ? 0 : texts[i].length);
        }
        ByteBuffer packed = ByteBuffer.allocate(Integer.BYTES + namesSize + valuesSize);
        packed.putInt(namesSize);
        for (byte[] name : names) {
            packed.putInt(name.length).put(name);
        }
        for (byte[] text : texts) {
            packed.putInt(text == null ? -1 : text.length);
            if (text != null) {
                packed.put(text);
            }
        }
        return packed.array();
    }
}
