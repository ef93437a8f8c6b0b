/** A short list to choose from, by kind; the system's own keyboard has the rest. Loaded when the picker first opens. */
export const EMOJI_GROUPS: readonly {
  name: 'faces' | 'hands' | 'hearts' | 'nature' | 'food' | 'things';
  emoji: readonly string[];
}[] = [
  {
    name: 'faces',
    emoji:
      '😀 😃 😄 😁 😆 😅 😂 🤣 😊 😇 🙂 🙃 😉 😌 😍 🥰 😘 😗 😋 😛 😜 🤪 🤨 🧐 🤓 😎 🥳 😏 😒 😞 😔 😟 😕 🙁 😣 😖 😫 😩 🥺 😢 😭 😤 😠 😡 🤯 😳 🥵 🥶 😱 😨 😰 😥 😓 🤗 🤔 🤭 🤫 😶 😐 😑 😬 🙄 😯 😴 🤤 😪 😵 🤢 🤮 🤧 😷 🤒 🤕'.split(
        ' ',
      ),
  },
  {
    name: 'hands',
    emoji:
      '👍 👎 👌 ✌️ 🤞 🤟 🤘 🤙 👈 👉 👆 👇 ☝️ ✋ 🤚 👋 👏 🙌 🤲 🤝 🙏 💪 ✍️ 🙋 🤷 🤦 🙆 🙅 🏃 💃 🕺 👶 👧 👦 👩 👨 👵 👴 👪'.split(
        ' ',
      ),
  },
  { name: 'hearts', emoji: '❤️ 🧡 💛 💚 💙 💜 🖤 🤍 💔 💕 💞 💓 💗 💖 💘 💝 💯 ✨ 🔥 🎉 🎊 ⭐ 🌟 💫 💥 💤'.split(' ') },
  {
    name: 'nature',
    emoji:
      '🐶 🐱 🐭 🐰 🦊 🐻 🐼 🐯 🦁 🐮 🐷 🐸 🐵 🐔 🐧 🐦 🐥 🦆 🐝 🦋 🐢 🐟 🐬 🐳 🌸 🌼 🌻 🌹 🌷 🪷 🌱 🌳 🍀 🌈 ☀️ ⛅ 🌧️ ⛈️ ❄️ 🌊 🌙'.split(
        ' ',
      ),
  },
  {
    name: 'food',
    emoji:
      '🍎 🍊 🍋 🍌 🍉 🍇 🍓 🥭 🍍 🥥 🥑 🌶️ 🌽 🍚 🍜 🍲 🥢 🍞 🥖 🧀 🍗 🍔 🍟 🍕 🌮 🍣 🦐 🐟 🍦 🎂 🍰 🍫 🍬 🍵 ☕ 🧋 🍺 🍻 🥂 🍷'.split(
        ' ',
      ),
  },
  {
    name: 'things',
    emoji:
      '⚽ 🏀 🏸 🏓 🎮 🎸 🎵 🎬 📷 📱 💻 📚 ✏️ 📌 📅 ⏰ 💡 🔒 🔑 🎁 🧧 🏮 💰 🏠 🏫 🏥 🚗 🛵 🚲 🚌 🚆 ✈️ 🚀 ⛵ ✅ ❌ ❓ ❗ ⚠️ 🇻🇳'.split(
        ' ',
      ),
  },
];
