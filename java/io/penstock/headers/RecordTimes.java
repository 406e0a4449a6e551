package io.penstock.headers;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;

/** Timestamps of records in RFC 3339 form, as in {@code 2026-01-02T03:04:05.678Z}; used by one thread at a time. */
public final class RecordTimes {

    private static final DateTimeFormatter SECONDS = DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.");
    /** After the year 9999, which RFC 3339 cannot write, and before the year 0. */
    private static final long TOO_LATE = Instant.parse("+10000-01-01T00:00:00Z").getEpochSecond();
    private static final long TOO_EARLY = Instant.parse("0000-01-01T00:00:00Z").getEpochSecond();

    private long lastSecond = Long.MIN_VALUE;
    private byte[] secondText;

    /** Returns the text, null where there is none. Neighbours in a stream share their second, which is written once. */
    public byte[] of(long millis) {
        long second = Math.floorDiv(millis, 1000L);
        if (second != lastSecond) {
            boolean writable = second >= TOO_EARLY && second < TOO_LATE;
            secondText = writable ? SECONDS.format(LocalDateTime.ofEpochSecond(second, 0, ZoneOffset.UTC)).getBytes(StandardCharsets.US_ASCII) : null;
            lastSecond = second;
        }
        if (secondText == null) {
            return null;
        }
        int rest = (int) (millis - second * 1000L);
        byte[] text = Arrays.copyOf(secondText, secondText.length + 4);
        text[secondText.length] = (byte) ('0' + rest / 100);
        text[secondText.length + 1] = (byte) ('0' + rest / 10 % 10);
        text[secondText.length + 2] = (byte) ('0' + rest % 10);
        text[secondText.length + 3] = 'Z';
        return text;
    }
}
