import { useEffect, useState } from "react";

// How long a step may still take. The clock that counts is Prelude's; this one only tells the user.
export function Countdown({ endsAt, onEnd }: { endsAt: number; onEnd: () => void }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 500);
    return () => clearInterval(timer);
  }, []);
  const isOver = now >= endsAt;
  useEffect(() => {
    if (isOver) onEnd();
  }, [isOver, onEnd]);
  return <p role="timer">{left(Math.max(0, Math.ceil((endsAt - now) / 1000)))} left</p>;
}

function left(seconds: number): string {
  if (seconds >= 2 * 3600) return `${Math.floor(seconds / 3600)} hours`;
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
